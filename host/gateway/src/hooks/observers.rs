//! Observers: events that plugins are told without anybody waiting for them.
//!
//! Each plugin has a [`Queue`], and in it one line for each session, so that a plugin hears of a session's events in order and a session that is slow to be told
//! holds up no other. A queue is worked off by as many tasks as the plugin can serve calls side by side, so that observers never fill the places where the
//! plugin's gates wait; the tasks, and the lines, exist only while there is something to tell.
//!
//! What it costs the one who tells: one copy of the event for all, a short lock for each plugin, one task. How it fails: what finds its line full is dropped and
//! counted; a plugin that can't be told is noted in the receipt, and keeps nobody else from being told.

use super::kept::{Entry, lock};
use super::receipt::{Failure, Ran, Receipt, Said, Skipped};
use super::roster::Subscriber;
use super::{Hooks, ObserversSettings};
use plugbay_runtime::engine::CallError;
use plugbay_runtime::{Answered, Call, Fired, Hook, Plugin, PluginId, Session};
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Lines for which a queue that is empty keeps room.
const ROOM: usize = 64;

/// What waits for one plugin.
pub(super) struct Queue {
    plugin: Arc<Plugin>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those with something waiting or under way.
    lines: HashMap<Line, VecDeque<Waiting>>,
    /// Those with something waiting and nothing under way, in the order of their turns.
    ready: VecDeque<Line>,
    waiting: usize,
    tasks: usize,
    dropped: u64,
}

/// A session's stable name; nothing, for events that belong to none.
type Line = Option<Arc<str>>;

/// An event on its way to one plugin.
struct Waiting {
    told: Arc<dyn Tells>,
    /// Its line in the receipt.
    row: usize,
    since: Instant,
}

/// What waits for one plugin, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct QueueView {
    /// The plugin.
    pub plugin: PluginId,
    /// Events that wait.
    pub waiting: usize,
    /// Events that it is being told.
    pub under_way: usize,
    /// Tasks that work the queue off.
    pub tasks: usize,
    /// Events that were dropped, since the host started.
    pub dropped: u64,
}

impl Queue {
    pub(super) fn new(plugin: Arc<Plugin>) -> Self {
        Self { plugin, state: Mutex::default() }
    }

    pub(super) const fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    pub(super) fn view(&self) -> QueueView {
        let State { lines, ready, waiting, tasks, dropped } = &*lock(&self.state);
        let under_way = lines.len() - ready.len();
        QueueView { plugin: self.plugin.id().clone(), waiting: *waiting, under_way, tasks: *tasks, dropped: *dropped }
    }

    /// Puts an event in line. Whether another task is needed to work it off.
    fn push(&self, line: &Line, waiting: Waiting, side_by_side: usize, most: &ObserversSettings) -> Result<bool, String> {
        let mut state = lock(&self.state);
        let before = state.lines.get(line).map_or(0, VecDeque::len);
        let full = match () {
            () if before >= most.waiting => Some((before, "in this session", "waiting")),
            () if state.waiting >= most.waiting_in_all => Some((state.waiting, "in all", "waiting-in-all")),
            () => None,
        };
        if let Some((found, place, setting)) = full {
            state.dropped += 1;
            self.warn(state.dropped, place);
            return Err(format!("{found} events wait for it {place}, and no more may (setting `hooks.observers.{setting}`)"));
        }
        let State { lines, ready, .. } = &mut *state;
        let queue = lines.entry(line.clone()).or_insert_with(|| {
            ready.push_back(line.clone());
            VecDeque::new()
        });
        queue.push_back(waiting);
        state.waiting += 1;
        let needed = !state.ready.is_empty() && state.tasks < side_by_side;
        state.tasks += usize::from(needed);
        Ok(needed)
    }

    /// Says so once, then the more seldom the more are dropped.
    fn warn(&self, dropped: u64, place: &str) {
        if dropped.is_power_of_two() {
            tracing::warn!(plugin = %self.plugin.id(), dropped, "events for it are dropped: too many wait for it {place}");
        }
    }

    /// Tells what there is to tell, one event after the other.
    async fn work_off(self: Arc<Self>) {
        let mut done = None;
        while let Some((line, Waiting { told, row, since })) = self.next(done) {
            told.tell(&self.plugin, row, since).await;
            done = Some(line);
        }
    }

    /// The next event whose turn it is, after this line's last one was told. None: then the task that asks is over.
    fn next(&self, done: Option<Line>) -> Option<(Line, Waiting)> {
        let mut state = lock(&self.state);
        let State { lines, ready, waiting, tasks, .. } = &mut *state;
        if let Some(line) = done {
            if lines.get(&line).is_none_or(VecDeque::is_empty) {
                lines.remove(&line);
            } else {
                ready.push_back(line);
            }
        }
        let next = ready.pop_front().and_then(|line| lines.get_mut(&line).and_then(VecDeque::pop_front).map(|next| (line, next)));
        if next.is_some() {
            *waiting -= 1;
        } else {
            *tasks -= 1;
        }
        if lines.is_empty() {
            lines.shrink_to(ROOM);
            ready.shrink_to(ROOM);
        }
        next
    }
}

/// An event that plugins are told, whichever hook it is of.
trait Tells: Send + Sync {
    fn tell<'a>(&'a self, plugin: &'a Plugin, row: usize, since: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

struct Told<H: Hook> {
    call: Call,
    fired: Fired<H>,
    receipt: Arc<Mutex<Receipt>>,
    outstanding: Arc<Outstanding>,
}

impl<H: Hook> Tells for Told<H> {
    fn tell<'a>(&'a self, plugin: &'a Plugin, row: usize, since: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let began = Instant::now();
            let Answered { generation, extra_cell, answer, .. } = plugin.serve::<H>(&self.call, &self.fired).await;
            let said = answer.err().map_or(Said::Told, |error| self.failed(plugin, &error));
            let (waited, took) = (Some(began - since), began.elapsed());
            if let Some(ran) = lock(&self.receipt).ran.get_mut(row) {
                *ran = Ran { plugin: plugin.id().clone(), generation, took, waited, extra_cell, said };
            }
            self.outstanding.done();
        })
    }
}

impl<H: Hook> Told<H> {
    fn failed(&self, plugin: &Plugin, error: &CallError) -> Said {
        tracing::warn!(plugin = %plugin.id(), hook = H::NAME, run = self.call.run_id().map(|run| &**run), "it wasn't told: {error}");
        Said::Failed(Failure::of(error))
    }
}

/// How many events are yet to be told.
#[derive(Default)]
pub(super) struct Outstanding {
    events: AtomicUsize,
    none: Notify,
}

impl Outstanding {
    fn add(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    fn done(&self) {
        if self.events.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none.notify_waiters();
        }
    }

    fn left(&self) -> usize {
        self.events.load(Ordering::Acquire)
    }

    pub(super) async fn settled(&self, within: Duration) -> usize {
        let none_left = async {
            loop {
                // Listening comes before looking, so that the last one isn't missed.
                let none = self.none.notified();
                if self.left() == 0 {
                    return;
                }
                none.await;
            }
        };
        match tokio::time::timeout(within, none_left).await {
            Ok(()) => 0,
            Err(_) => self.left(),
        }
    }
}

impl Hooks {
    /// Puts an event in line for those who are to be told, and says who that is. Nobody, if no plugin handles the hook.
    pub(super) fn hand_over<H: Hook>(&self, only: Option<&PluginId>, call: &Call, event: H::Event) -> Option<Arc<Mutex<Receipt>>> {
        let roster = self.roster();
        let of = |s: &&Subscriber| only.is_none_or(|only| s.plugin.id() == only);
        let mut subscribers = roster.of::<H>().iter().filter(of).peekable();
        subscribers.peek()?;
        let (began, mut receipt) = (Instant::now(), Receipt::blank(H::NAME, call));
        let mut chosen = Vec::new();
        for subscriber in subscribers {
            let plugin = subscriber.plugin.id();
            match subscriber.passes_over::<H>(&event) {
                Some(why) => receipt.skipped.push(Skipped { plugin: plugin.clone(), why }),
                None => {
                    receipt.ran.push(Ran::queued(plugin));
                    chosen.push(subscriber);
                }
            }
        }
        let receipt = Arc::new(Mutex::new(receipt));
        if let Some(run) = call.run_id() {
            self.0.kept.keep(run, Entry::Open(receipt.clone()));
        }
        if !chosen.is_empty() {
            self.queue::<H>(&chosen, call, event, &receipt);
        }
        lock(&receipt).took = began.elapsed();
        Some(receipt)
    }

    fn queue<H: Hook>(&self, chosen: &[&Subscriber], call: &Call, event: H::Event, receipt: &Arc<Mutex<Receipt>>) {
        let drop_row = |row: usize, why: String| {
            if let Some(ran) = lock(receipt).ran.get_mut(row) {
                ran.said = Said::Dropped(why);
            }
        };
        let Ok(tokio) = Handle::try_current() else {
            tracing::error!(hook = H::NAME, "nobody is told: there is no tokio runtime where it happened");
            (0..chosen.len()).for_each(|row| drop_row(row, "there is no tokio runtime where it happened".to_owned()));
            return;
        };
        let (outstanding, most) = (&self.0.outstanding, &self.0.settings.observers);
        let told: Arc<dyn Tells> = Arc::new(Told::<H> {
            call: call.clone(),
            fired: Fired::new(event),
            receipt: receipt.clone(),
            outstanding: outstanding.clone(),
        });
        let line: Line = call.about().map(|session| Arc::from(Session::stable_key(session)));
        let (since, mut idle) = (Instant::now(), Vec::new());
        for (row, subscriber) in chosen.iter().enumerate() {
            let waiting = Waiting { told: told.clone(), row, since };
            outstanding.add();
            match subscriber.queue.push(&line, waiting, subscriber.side_by_side, most) {
                Ok(true) => idle.push(subscriber.queue.clone()),
                Ok(false) => {}
                Err(why) => {
                    outstanding.done();
                    drop_row(row, why);
                }
            }
        }
        start(&tokio, idle);
    }
}

/// Starts work on queues. The one who tells pays for one task; that one starts the others.
fn start(tokio: &Handle, mut idle: Vec<Arc<Queue>>) {
    let Some(first) = idle.pop() else { return };
    tokio.spawn(async move {
        for queue in idle {
            tokio::spawn(queue.work_off());
        }
        first.work_off().await;
    });
}
