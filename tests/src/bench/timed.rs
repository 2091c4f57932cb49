//! A state and a model with a watch in the hand: how much of a turn is theirs.
//!
//! Each operation of the state takes two clock readings and one more boxed future, well under a microsecond. What is done beside a turn, by observers, counts too.

use futures_util::stream;
use plugbay_gateway::model::{Model, ModelRequest, ModelStream, OfflineModel};
use plugbay_runtime::state::{
    Compaction, Conflict, Cursor, DeliveriesQuery, Delivery, Document, EngineSpot, Ensured, Event, ExportedRow, HistoryQuery, Injection,
    Interrupted, Job, JobEnd, JobEnded, JobPut, JobsQuery, KeyedStore, NewCompaction, NewDelivery, NewEntry, NewInjection, NewJob, NewRun,
    NewSubagent, Options, Owner, Probe, Question, Queued, Record, Reply, RowId, RunRow, RunStatus, SessionRow, SessionStore, Sqlite,
    StateError, StateSpot, StateStore, StoredEntry, Subagent, Untold, Usage, Window, WorkStore,
};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Time that was spent on something, and how often it was done. Cheap to clone: all clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<(AtomicU64, AtomicU64)>);

impl Watch {
    fn add(&self, time: Duration) {
        let (nanos, times) = &*self.0;
        nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        times.fetch_add(1, Ordering::Relaxed);
    }

    /// The same reply; what it takes is added.
    fn reply<'a, T: 'a>(&'a self, reply: Reply<'a, T>) -> Reply<'a, T> {
        Box::pin(async move {
            let began = Instant::now();
            let answer = reply.await;
            self.add(began.elapsed());
            answer
        })
    }

    /// What was spent so far, and how often.
    pub(super) fn read(&self) -> (Duration, u64) {
        let (nanos, times) = &*self.0;
        (Duration::from_nanos(nanos.load(Ordering::Relaxed)), times.load(Ordering::Relaxed))
    }
}

/// The offline model.
#[derive(Default)]
pub(super) struct TimedModel {
    model: OfflineModel,
    pub(super) watch: Watch,
}

impl Model for TimedModel {
    fn provider(&self) -> &str {
        self.model.provider()
    }

    fn default_model(&self) -> &str {
        self.model.default_model()
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        let (mut answer, watch) = (self.model.stream(request), self.watch.clone());
        Box::pin(stream::poll_fn(move |context| {
            let began = Instant::now();
            let piece = answer.as_mut().poll_next(context);
            watch.add(began.elapsed());
            piece
        }))
    }
}

/// A state file.
#[derive(Debug)]
pub(super) struct TimedState {
    state: Sqlite,
    pub(super) watch: Watch,
    /// The part of it that is for claiming jobs.
    pub(super) claims: Watch,
    /// The part of it that is for marking jobs as begun, and as ended.
    pub(super) marks: Watch,
    begun: Mutex<Vec<(String, SystemTime)>>,
}

impl TimedState {
    pub(super) fn new(state: Sqlite) -> Self {
        Self { state, watch: Watch::default(), claims: Watch::default(), marks: Watch::default(), begun: Mutex::default() }
    }

    /// Jobs that were marked as begun, and when that was written.
    pub(super) fn begun(&self) -> Vec<(String, SystemTime)> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reply<'a, T: 'a>(&'a self, reply: Reply<'a, T>) -> Reply<'a, T> {
        self.watch.reply(reply)
    }

    fn now<T>(&self, read: impl FnOnce(&Sqlite) -> T) -> T {
        let began = Instant::now();
        let answer = read(&self.state);
        self.watch.add(began.elapsed());
        answer
    }
}

macro_rules! replies {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $type),*) -> Reply<'a, $out> {
            self.reply(self.state.$name($($argument),*))
        })*
    };
}

impl StateStore for TimedState {
    replies! {
        open(owner: &'a Owner, namespace: &'a str, options: Options) -> Arc<dyn KeyedStore>;
        sweep() -> u64;
        usage() -> Vec<Usage>;
        export(after: Option<&'a RowId>, limit: NonZeroUsize) -> Vec<ExportedRow>;
        purge(owner: &'a Owner) -> u64;
        documents(kind: &'a str) -> Vec<Document>;
        document(kind: &'a str, name: &'a str) -> Option<Document>;
        record(record: Record) -> Result<Vec<u64>, Conflict>;
        history(query: HistoryQuery) -> Vec<Event>;
    }

    fn reads_in_place(&self) -> bool {
        self.state.reads_in_place()
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = Probe> + Send + '_>> {
        self.state.probe()
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.state.close()
    }
}

impl WorkStore for TimedState {
    replies! {
        put_job(job: NewJob, most: u64) -> JobPut;
        job(id: &'a str) -> Option<Job>;
        jobs(which: JobsQuery) -> Vec<Job>;
        remove_jobs(which: JobsQuery) -> Vec<Job>;
        recover_jobs() -> Vec<Job>;
        add_delivery(delivery: NewDelivery) -> bool;
        delivery(id: &'a str) -> Option<Delivery>;
        deliveries(which: DeliveriesQuery) -> Vec<Delivery>;
        remove_delivery(id: &'a str) -> bool;
    }

    fn claim_jobs<'a>(&'a self, plugins: &'a [String], claims: Vec<String>) -> Reply<'a, Vec<Job>> {
        self.claims.reply(self.reply(self.state.claim_jobs(plugins, claims)))
    }

    fn begin_job<'a>(&'a self, id: &'a str, claim: &'a str) -> Reply<'a, bool> {
        let marked = self.marks.reply(self.reply(self.state.begin_job(id, claim)));
        Box::pin(async move {
            let begun = marked.await?;
            if begun {
                self.begun.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), SystemTime::now()));
            }
            Ok(begun)
        })
    }

    fn end_job<'a>(&'a self, id: &'a str, claim: &'a str, end: JobEnd) -> Reply<'a, JobEnded> {
        self.marks.reply(self.reply(self.state.end_job(id, claim, end)))
    }

    fn next_job_at(&self, plugins: &[String]) -> Result<Option<u64>, StateError> {
        self.now(|state| state.next_job_at(plugins))
    }
}

impl SessionStore for TimedState {
    replies! {
        session(key: &'a str) -> Option<SessionRow>;
        ensure_session(key: &'a str, id: &'a str) -> Ensured;
        sessions(after: Option<&'a str>, limit: NonZeroUsize) -> Vec<SessionRow>;
        reset_session(key: &'a str, id: &'a str) -> Option<SessionRow>;
        delete_session(key: &'a str) -> Option<SessionRow>;
        end_life(key: &'a str, next: Option<&'a str>) -> Option<SessionRow>;
        append(key: &'a str, life: &'a str, entries: Vec<NewEntry>) -> Option<Vec<u64>>;
        begin_run(run: NewRun) -> Option<Vec<Injection>>;
        show(run: &'a str, entries: Vec<NewEntry>) -> Option<Vec<u64>>;
        end_run(run: &'a str, status: RunStatus, error: Option<&'a str>) -> bool;
        end_run_untold(run: &'a str, status: RunStatus, error: Option<&'a str>, untold: Untold<'a>) -> bool;
        runs(session: &'a str, limit: NonZeroUsize) -> Vec<RunRow>;
        recover() -> (Vec<Interrupted>, Vec<Question>);
        inject(injection: NewInjection, life: &'a str) -> Queued;
        injections(session: &'a str) -> Vec<Injection>;
        put_state(at: StateSpot<'a>, value: Option<String>, shown: Option<String>) -> Option<bool>;
        forget_plugin(plugin: &'a str, uninstalled: bool) -> ();
        meet(plugin: &'a str, session: &'a str) -> ();
        met(plugin: &'a str, session: &'a str) -> Option<Option<SessionRow>>;
        ask(question: Question) -> ();
        answered(id: &'a str) -> bool;
        put_cursor(at: EngineSpot<'a>, cursor: Cursor) -> bool;
        compactions(key: &'a str, life: &'a str) -> Vec<Compaction>;
        put_compaction(key: &'a str, life: &'a str, compaction: NewCompaction) -> bool;
        add_subagent(subagent: NewSubagent) -> bool;
        subagent(plugin: &'a str, name: &'a str) -> Option<Subagent>;
        subagent_at(session: &'a str) -> Option<Subagent>;
        subagents(plugin: Option<&'a str>) -> Vec<Subagent>;
        subagents_behind(after: Option<&'a str>) -> Vec<Subagent>;
        mark_deleting(plugin: &'a str, name: &'a str) -> bool;
        forget_subagent(plugin: &'a str, name: &'a str) -> bool;
        set_ticket(plugin: &'a str, name: &'a str, engine: Option<String>, ticket: Option<String>) -> bool;
    }

    fn entries(&self, key: &str, life: &str, window: Window) -> Result<Vec<StoredEntry>, StateError> {
        self.now(|state| state.entries(key, life, window))
    }

    fn entry(&self, key: &str, life: &str, id: u64) -> Result<Option<StoredEntry>, StateError> {
        self.now(|state| state.entry(key, life, id))
    }

    fn count_entries(&self, key: &str, life: &str) -> Result<u64, StateError> {
        self.now(|state| state.count_entries(key, life))
    }

    fn state_of(&self, at: StateSpot<'_>) -> Result<Option<Option<String>>, StateError> {
        self.now(|state| state.state_of(at))
    }

    fn cursor(&self, at: EngineSpot<'_>) -> Result<Option<Cursor>, StateError> {
        self.now(|state| state.cursor(at))
    }

    fn compaction(&self, key: &str, life: &str) -> Result<Option<Compaction>, StateError> {
        self.now(|state| state.compaction(key, life))
    }
}
