//! A gateway with the plugin `errand`, and a clock that tests move.

use crate::turns::stage::{Stage, settings};
use plugbay_gateway::runtime::state::{Clock, HistoryQuery, JobsQuery, Memory, StateLimits, StateStore, TestClock};
use plugbay_gateway::runtime::{ActionFailure, ActionOutcome, ActionSuccess, CatchUp, Grant, Grants, Plugin, Principal, Settings};
use plugbay_gateway::{Act, ActError, FolderOutbox, GatewaySettings, JobView, OutboxSettings, ScheduleClock, ScheduleSettings};
use plugbay_guests::built;
use serde_json::Value;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// 2027-01-01T00:00:00Z.
pub(super) const NEW_YEAR: u64 = 1_798_761_600_000;

/// A clock that stands until it is set, and tells who waits.
#[derive(Debug, Clone)]
pub(super) struct Hand {
    clock: Arc<TestClock>,
    moved: watch::Sender<()>,
}

impl Hand {
    pub(super) fn at(now: u64) -> Self {
        Self { clock: Arc::new(TestClock::at(now)), moved: watch::channel(()).0 }
    }

    pub(super) fn set(&self, now: u64) {
        self.clock.set(now);
        self.moved.send_replace(());
    }

    pub(super) fn advance(&self, ms: u64) {
        self.set(Clock::now(&*self.clock) + ms);
    }

    /// A state whose clock it is.
    pub(super) fn memory(&self) -> Arc<Memory> {
        self.memory_with(StateLimits::default())
    }

    /// The same, with these limits.
    pub(super) fn memory_with(&self, limits: StateLimits) -> Arc<Memory> {
        Arc::new(Memory::new(limits, self.clock.clone()).unwrap())
    }
}

impl ScheduleClock for Hand {
    fn now(&self) -> u64 {
        Clock::now(&*self.clock)
    }

    fn until(&self, moment: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut moved = self.moved.subscribe();
        Box::pin(async move {
            while Clock::now(&*self.clock) < moment {
                if moved.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        })
    }
}

/// Settings with this clock, and with an outbox, if there is a folder for it.
pub(super) fn by(hand: &Hand, outbox: Option<&Path>) -> GatewaySettings {
    let schedule = ScheduleSettings { clock: Arc::new(hand.clone()), ..ScheduleSettings::default() };
    let outbox = outbox.map(|folder| Arc::new(FolderOutbox::open(folder).unwrap()) as Arc<dyn plugbay_gateway::Outbox>);
    GatewaySettings { schedule, outbox: OutboxSettings { outbox, ..OutboxSettings::default() }, ..settings() }
}

/// The same, where missed times are skipped.
pub(super) fn skipping(hand: &Hand) -> GatewaySettings {
    let usual = by(hand, None);
    GatewaySettings { schedule: ScheduleSettings { catch_up: CatchUp::Skip, ..usual.schedule }, ..usual }
}

/// A person with these scopes.
pub(super) fn person(scopes: &[&str]) -> Principal {
    Principal { channel: "test".into(), sender: "ada".into(), scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect() }
}

/// What `errand` asks for, granted.
pub(super) fn granted() -> Settings {
    Settings { grants: Grants::granting([Grant::State, Grant::Schedule, Grant::Attachments]), ..Settings::default() }
}

/// A started gateway with `errand`.
pub(super) async fn errand(settings: GatewaySettings, state: Arc<Memory>) -> (Stage, Arc<Plugin>) {
    let stage = Stage::on(state, settings);
    let plugin = stage.load("errand", built::ERRAND, granted()).await;
    stage.gateway.start().await.unwrap();
    (stage, plugin)
}

/// Has an action done, about the session `s`.
pub(super) async fn acts(stage: &Stage, action: &str, params: Value) -> Result<ActionOutcome, ActError> {
    let by = person(&["operator.admin"]);
    let act = Act { plugin: "errand".into(), action: action.into(), session: Some("s".into()), params: Some(params), by };
    stage.gateway.act(act).await.map(|acted| acted.outcome)
}

/// The same, where it is done: its result.
pub(super) async fn done(stage: &Stage, action: &str, params: Value) -> Value {
    match acts(stage, action, params).await.unwrap_or_else(|e| panic!("{e}")) {
        ActionOutcome::Success(ActionSuccess { result, .. }) => result.map_or(Value::Null, |result| result.parse().unwrap()),
        ActionOutcome::Failure(ActionFailure { error, .. }) => panic!("{error}"),
    }
}

/// The same, where its plugin fails at it: nobody but the log is told what it said.
pub(super) async fn fails(stage: &Stage, action: &str, params: Value) {
    assert!(matches!(acts(stage, action, params).await, Err(ActError::Failed { .. })));
}

/// Timers that it was told of, and changes of its jobs.
pub(super) async fn noted(stage: &Stage) -> (Vec<Value>, Vec<Value>) {
    stage.settled().await;
    let noted = done_plainly(stage, "look").await;
    let list = |what: &str| noted[what].as_array().unwrap().clone();
    (list("fired"), list("changes"))
}

async fn done_plainly(stage: &Stage, action: &str) -> Value {
    let by = person(&["operator.admin"]);
    let act = Act { plugin: "errand".into(), action: action.into(), session: None, params: None, by };
    match stage.gateway.act(act).await.unwrap().outcome {
        ActionOutcome::Success(ActionSuccess { result, .. }) => result.unwrap().parse().unwrap(),
        ActionOutcome::Failure(ActionFailure { error, .. }) => panic!("{error}"),
    }
}

/// All jobs.
pub(super) async fn jobs(stage: &Stage) -> Vec<JobView> {
    stage.gateway.schedule().jobs(JobsQuery::default()).await.unwrap()
}

/// Waits until all jobs are as they should be.
pub(super) async fn jobs_are(stage: &Stage, wanted: impl Fn(&[JobView]) -> bool) -> Vec<JobView> {
    loop {
        let jobs = jobs(stage).await;
        if wanted(&jobs) {
            return jobs;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// Lines of the history about jobs: what, and why.
pub(super) async fn told(stage: &Stage) -> Vec<(String, Option<String>)> {
    let all = stage.state.history(HistoryQuery::oldest(1_000)).await.unwrap();
    all.into_iter().filter(|event| event.fact.what.starts_with("job-")).map(|event| (event.fact.what, event.fact.why)).collect()
}

/// What became of the job with this name, in order: what, and when it runs next.
pub(super) fn became(changes: &[Value], job: &Value) -> Vec<(String, Option<u64>)> {
    let its = changes.iter().filter(|change| change["job"] == *job);
    its.map(|change| (change["change"].as_str().unwrap().to_owned(), change["next-at"].as_u64())).collect()
}

/// The session `s`, made if there is none.
pub(super) async fn session(stage: &Stage) {
    assert_eq!(stage.answer("s", "say hello").await, "hello");
}
