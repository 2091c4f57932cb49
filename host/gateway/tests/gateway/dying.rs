//! A state that has bad days. Its host is killed: with the first of some operations that is done, and from then on nothing more is done; what was done is in the state beneath, for the next host.
//! Or the first of some operations can't be written.

use plugbay_gateway::runtime::state::{
    Code, Compaction, Conflict, Cursor, DeliveriesQuery, Delivery, Document, EngineSpot, Ensured, Event, ExportedRow, HistoryQuery,
    Injection, Interrupted, Job, JobEnd, JobEnded, JobPut, JobsQuery, KeyedStore, Memory, NewCompaction, NewDelivery, NewEntry,
    NewInjection, NewJob, NewRun, NewSubagent, Operation, Options, Owner, Probe, Question, Queued, Record, Reply, RowId, RunRow, RunStatus,
    SessionRow, SessionStore, StateError, StateSpot, StateStore, StoredEntry, Subagent, Untold, Usage, Window, WorkStore,
};
use plugbay_gateway::{Gateway, GatewaySettings};
use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// The state of one host.
#[derive(Debug)]
pub(crate) struct Dying {
    state: Arc<Memory>,
    /// The last thing that it does.
    last: &'static [&'static str],
    dead: watch::Sender<bool>,
    /// What can't be written, once each.
    failing: Mutex<Vec<&'static str>>,
}

impl Dying {
    /// A gateway that has started, and is killed with the first of these.
    pub(crate) async fn with(state: Arc<Memory>, last: &'static [&'static str]) -> (Gateway, Arc<Self>) {
        let dying = Arc::new(Self { state, last, dead: watch::Sender::new(false), failing: Mutex::default() });
        let gateway = Gateway::new(crate::engine(), dying.clone(), crate::turns::stage::settings()).unwrap();
        gateway.start().await.unwrap();
        (gateway, dying)
    }

    /// A gateway, not started, whose state can't write the first of each of these.
    pub(crate) fn failing(state: Arc<Memory>, first: &[&'static str], settings: GatewaySettings) -> Gateway {
        let ill = Self { state, last: &[], dead: watch::Sender::new(false), failing: Mutex::new(first.to_vec()) };
        Gateway::new(crate::engine(), Arc::new(ill), settings).unwrap()
    }

    fn fails(&self, name: &str) -> bool {
        let mut failing = self.failing.lock().unwrap();
        let at = failing.iter().position(|one| *one == name);
        at.is_some_and(|at| failing.remove(at) == name)
    }

    /// Waits until it is dead.
    pub(crate) async fn died(&self) {
        self.dead.subscribe().wait_for(|dead| *dead).await.unwrap();
    }

    fn reply<'a, T: Send + 'a>(&'a self, name: &str, reply: Reply<'a, T>) -> Reply<'a, T> {
        if self.fails(name) {
            let message = "the disk is full, for a test".to_owned();
            return Box::pin(async { Err(StateError { code: Code::WriteFailed, operation: Operation::EndJob, message, overrun: None }) });
        }
        let is_last = self.last.contains(&name);
        Box::pin(async move {
            if *self.dead.borrow() {
                return pending().await;
            }
            let answer = reply.await;
            if is_last {
                self.dead.send_replace(true);
                return pending().await;
            }
            answer
        })
    }
}

macro_rules! replies {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $type),*) -> Reply<'a, $out> {
            self.reply(stringify!($name), self.state.$name($($argument),*))
        })*
    };
}

impl StateStore for Dying {
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
        Box::pin(async {})
    }
}

impl WorkStore for Dying {
    replies! {
        put_job(job: NewJob, most: u64) -> JobPut;
        job(id: &'a str) -> Option<Job>;
        jobs(which: JobsQuery) -> Vec<Job>;
        remove_jobs(which: JobsQuery) -> Vec<Job>;
        claim_jobs(plugins: &'a [String], claims: Vec<String>) -> Vec<Job>;
        begin_job(id: &'a str, claim: &'a str) -> bool;
        end_job(id: &'a str, claim: &'a str, end: JobEnd) -> JobEnded;
        recover_jobs() -> Vec<Job>;
        add_delivery(delivery: NewDelivery) -> bool;
        delivery(id: &'a str) -> Option<Delivery>;
        deliveries(which: DeliveriesQuery) -> Vec<Delivery>;
        remove_delivery(id: &'a str) -> bool;
    }

    fn next_job_at(&self, plugins: &[String]) -> Result<Option<u64>, StateError> {
        self.state.next_job_at(plugins)
    }
}

impl SessionStore for Dying {
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
        self.state.entries(key, life, window)
    }

    fn entry(&self, key: &str, life: &str, id: u64) -> Result<Option<StoredEntry>, StateError> {
        self.state.entry(key, life, id)
    }

    fn count_entries(&self, key: &str, life: &str) -> Result<u64, StateError> {
        self.state.count_entries(key, life)
    }

    fn state_of(&self, at: StateSpot<'_>) -> Result<Option<Option<String>>, StateError> {
        self.state.state_of(at)
    }

    fn cursor(&self, at: EngineSpot<'_>) -> Result<Option<Cursor>, StateError> {
        self.state.cursor(at)
    }

    fn compaction(&self, key: &str, life: &str) -> Result<Option<Compaction>, StateError> {
        self.state.compaction(key, life)
    }
}
