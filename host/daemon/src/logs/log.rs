//! One plugin's log: its ring, who follows it, its place at the writer.
//!
//! A line costs two copies of its text and a lock that is held for no longer than it takes to put it into the ring and the queue. Writing never fails and
//! never waits for a reader or a disk. A log that has ended (the plugin is forgotten, the host shuts down) keeps what it has; what is written after
//! that goes to `tracing` only.

use super::line::safe;
use super::ring::{Ring, Since};
use super::writer::{Queue, say_missing};
use super::{LogLine, LogSettings};
use plugbay_runtime::PluginId;
use plugbay_runtime::engine::{Level, LogSink};
use plugbay_runtime::state::{Clock, SystemClock};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The largest number that every JSON reader keeps exact.
const MAX_SEQ: u64 = (1 << 53) - 1;

/// One plugin's log.
#[derive(Debug)]
pub(super) struct PluginLog {
    plugin: PluginId,
    held: Mutex<Held>,
    /// Moves with every line and at the end, which it tells.
    news: watch::Sender<bool>,
    /// None: no files.
    queue: Option<Queue>,
}

#[derive(Debug)]
struct Held {
    ring: Ring,
    next: u64,
    /// Lines since the last that the queue took.
    unwritten: u64,
    ended: bool,
}

impl PluginLog {
    /// A log that goes on after the lines of an earlier life.
    pub(super) fn new(plugin: PluginId, settings: &LogSettings, earlier: Vec<LogLine>, queue: Option<Queue>) -> Self {
        let mut ring = Ring::new(settings.lines, settings.bytes);
        let mut next = 1;
        // Whoever edited the file can't make numbers run backwards or out.
        for line in earlier.into_iter().filter(|line| line.seq < MAX_SEQ) {
            if line.seq >= next {
                next = line.seq + 1;
                ring.push(Arc::new(line));
            }
        }
        Self { plugin, held: Mutex::new(Held { ring, next, unwritten: 0, ended: false }), news: watch::Sender::new(false), queue }
    }

    /// Writes a line.
    pub(super) fn write(&self, level: Level, text: &str) {
        let text = safe(text);
        trace(&self.plugin, level, &text);
        {
            let mut held = self.held();
            if held.ended {
                return;
            }
            let line = Arc::new(LogLine { seq: held.next, at: SystemClock.now(), level, text, dropped: None });
            held.next += 1;
            held.ring.push(line.clone());
            if let Some(queue) = &self.queue {
                held.unwritten = if queue.take(line, held.unwritten) { 0 } else { held.unwritten + 1 };
            }
        }
        self.news.send_modify(|_| ());
    }

    /// The lines that are kept.
    pub(super) fn read(&self, since: Since) -> Vec<LogLine> {
        self.held().ring.read(since)
    }

    /// The number of the line before the first that is meant.
    pub(super) fn after(&self, since: Since) -> u64 {
        self.held().ring.after(since)
    }

    /// Tells when there is more, and whether that was the end.
    pub(super) fn news(&self) -> watch::Receiver<bool> {
        self.news.subscribe()
    }

    /// Takes no more lines. Says, and answers, how many the queue had no place for since the last that it took: no later line will say it.
    pub(super) fn end(&self) -> u64 {
        let unwritten = {
            let mut held = self.held();
            held.ended = true;
            std::mem::take(&mut held.unwritten)
        };
        self.news.send_replace(true);
        if unwritten > 0 {
            say_missing(&self.plugin, unwritten);
        }
        unwritten
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Whoever panicked left whole values.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A plugin's log as its cells see it.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) log: Arc<PluginLog>,
    pub(super) level: Level,
}

impl LogSink for Sink {
    fn line(&self, level: Level, text: &str) {
        self.log.write(level, text);
    }

    fn enabled(&self, level: Level) -> bool {
        level >= self.level
    }
}

/// Hands a line to the host's own log, which has its own idea of what matters.
fn trace(plugin: &PluginId, level: Level, text: &str) {
    match level {
        Level::Trace => tracing::trace!(target: "plugbay::plugin", %plugin, "{text}"),
        Level::Debug => tracing::debug!(target: "plugbay::plugin", %plugin, "{text}"),
        Level::Info => tracing::info!(target: "plugbay::plugin", %plugin, "{text}"),
        Level::Warn => tracing::warn!(target: "plugbay::plugin", %plugin, "{text}"),
        Level::Error => tracing::error!(target: "plugbay::plugin", %plugin, "{text}"),
    }
}
