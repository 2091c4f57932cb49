//! A gateway with one plugin, a clock that tests move, an outbox, and a state that outlives it.
//!
//! The clock is the host's: jobs and what is kept go by it. What a plugin asks its own world for is the real time, so the clock begins there.

use crate::agents::all;
use crate::{compiler, kept};
use plugbay_gateway::{
    Act, ActError, DeliveryView, FolderOutbox, Gateway, GatewaySettings, Invoked, JobView, Outbox, OutboxSettings, ScheduleClock,
    ScheduleSettings, TurnAsked, TurnEnd, TurnStatus,
};
use plugbay_runtime::engine::{CompileIn, CompileLimits, Engine, EngineSettings};
use plugbay_runtime::state::{Clock, DeliveriesQuery, JobsQuery, Sqlite, SqliteSettings, SystemClock, TestClock, Window};
use plugbay_runtime::{
    ActionFailure, ActionOutcome, ActionSuccess, BreakerSettings, PluginsSettings, Principal, ProbationSettings, Settings,
};
use plugbay_tests::lab::Lines;
use serde_json::Value;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

pub(super) const MINUTE: u64 = 60_000;
pub(super) const ADMIN: &str = "operator.admin";
pub(super) const WRITE: &str = "operator.write";

/// A clock that stands until it is set, and tells who waits.
#[derive(Debug, Clone)]
pub(super) struct Hand {
    clock: Arc<TestClock>,
    moved: watch::Sender<()>,
}

impl Hand {
    fn of_now() -> Self {
        Self { clock: Arc::new(TestClock::at(Clock::now(&SystemClock))), moved: watch::channel(()).0 }
    }

    pub(super) fn advance(&self, ms: u64) {
        self.clock.advance(ms);
        self.moved.send_replace(());
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

/// A plugin of the repository, and its settings.
#[derive(Clone)]
pub(super) struct Guest {
    pub(super) id: &'static str,
    pub(super) built: &'static str,
    pub(super) config: Value,
}

/// A gateway and what it stands on.
pub(super) struct Stage {
    pub(super) gateway: Gateway,
    pub(super) state: Arc<Sqlite>,
    pub(super) hand: Hand,
    engine: Engine,
    log: Arc<Lines>,
    folder: Arc<TempDir>,
}

impl Stage {
    /// One that has started, with these plugins.
    pub(super) async fn with(guests: &[Guest]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = EngineSettings::new(CompileIn::Child(compiler().to_owned()));
        settings.compile_limits = CompileLimits { time: Duration::from_secs(600), ..CompileLimits::default() };
        settings.cache = Some(kept());
        Self::on(Engine::new(settings).unwrap(), Hand::of_now(), Arc::new(folder), guests).await
    }

    async fn on(engine: Engine, hand: Hand, folder: Arc<TempDir>, guests: &[Guest]) -> Self {
        let (log, clock) = (Arc::new(Lines::default()), hand.clock.clone());
        let state = Sqlite::open(SqliteSettings { clock, ..SqliteSettings::new(folder.path().join("state")) });
        let state = Arc::new(state.unwrap());
        let settings = settings(&hand, &folder.path().join("outbox"), log.clone());
        let gateway = Gateway::new(engine.clone(), state.clone(), settings).unwrap();
        for guest in guests {
            let Value::Object(config) = guest.config.clone() else { panic!("settings are an object") };
            let file = folder.path().join(format!("{}.wasm", guest.id));
            std::fs::copy(guest.built, &file).unwrap();
            gateway.plugins().load(&file, Settings { config, ..all() }).await.unwrap_or_else(|e| panic!("{e}"));
        }
        gateway.start().await.unwrap();
        Self { gateway, state, hand, engine, log, folder }
    }

    /// The gateway stops, and another one begins on what this one has kept.
    pub(super) async fn again(self, guests: &[Guest]) -> Self {
        self.gateway.shutdown(Duration::ZERO, None).await;
        let Self { engine, hand, folder, gateway, state, .. } = self;
        drop((gateway, state));
        Self::on(engine, hand, folder, guests).await
    }

    /// Waits until observers are told.
    pub(super) async fn settled(&self) {
        assert_eq!(self.gateway.hooks().settled(Duration::from_secs(300)).await, 0);
    }

    /// Somebody says something, up to the end of the turn and of what plugins are told of it.
    pub(super) async fn said(&self, session: &str, text: &str) -> TurnEnd {
        let end = self.gateway.turn(TurnAsked::said(session, "test", text)).await.unwrap().ended().await;
        self.settled().await;
        end
    }

    /// What the agent answers.
    pub(super) async fn answer(&self, session: &str, text: &str) -> String {
        let end = self.said(session, text).await;
        assert_eq!(end.status, TurnStatus::Done, "{:?}: {}", end.error, self.log());
        end.message.unwrap_or_default()
    }

    /// The last thing that the model is shown in a turn of its own.
    pub(super) async fn shown(&self, session: &str) -> String {
        let messages: Value = self.answer(session, "show messages").await.parse().unwrap();
        messages.as_array().unwrap().last().unwrap()["text"].as_str().unwrap().to_owned()
    }

    /// Who said what in a session.
    pub(super) async fn words(&self, session: &str) -> Vec<String> {
        let window = Window::From { start: 0, count: 1_000 };
        let entries = self.gateway.transcript(session, window).await.unwrap().unwrap_or_default();
        entries.into_iter().map(|entry| format!("{}: {}", entry.role, entry.content.as_str().unwrap_or_default())).collect()
    }

    /// Waits until so many turns of a session are over, and what they told is told.
    pub(super) async fn turns(&self, session: &str, wanted: usize) {
        loop {
            let runs = self.gateway.runs_of(session, NonZeroUsize::new(100).unwrap()).await.unwrap();
            assert!(runs.len() <= wanted, "{runs:?}");
            if runs.len() == wanted && runs.iter().all(|run| run.status != "running") {
                return self.settled().await;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Has an action done by a person with this scope.
    pub(super) async fn acts(&self, plugin: &str, action: &str, session: &str, params: Option<Value>, scope: &str) -> Acted {
        let (plugin, action, session) = (plugin.into(), action.into(), Some(session.into()));
        self.gateway.act(Act { plugin, action, session, params, by: person(scope) }).await.map(|acted| acted.outcome)
    }

    /// What a command answers.
    pub(super) async fn command(&self, name: &str, session: Option<&str>) -> String {
        let invoked = Invoked { name: name.into(), args: String::new(), session: session.map(str::to_owned), by: person(WRITE) };
        self.gateway.command(invoked).await.unwrap().text.unwrap_or_default()
    }

    pub(super) async fn jobs(&self) -> Vec<JobView> {
        self.gateway.schedule().jobs(JobsQuery::default()).await.unwrap()
    }

    /// Waits until jobs are as they should be.
    pub(super) async fn jobs_are(&self, wanted: impl Fn(&[JobView]) -> bool) -> Vec<JobView> {
        loop {
            let jobs = self.jobs().await;
            if wanted(&jobs) {
                return jobs;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What was handed over, newest first.
    pub(super) async fn deliveries(&self) -> Vec<DeliveryView> {
        self.gateway.deliveries().list(DeliveriesQuery::default()).await.unwrap()
    }

    /// What a plugin shows of a session; null, if it shows nothing.
    pub(super) async fn projected(&self, session: &str) -> Value {
        let session = self.gateway.session(session).await.unwrap().unwrap();
        session.shown.into_iter().next().map_or(Value::Null, |shown| shown.value)
    }

    /// What plugins have logged.
    pub(super) fn log(&self) -> String {
        format!("{:?}", self.log.all())
    }
}

/// What became of an action.
pub(super) type Acted = Result<ActionOutcome, ActError>;

/// Nobody is on probation, and no breaker opens.
fn settings(hand: &Hand, outbox: &Path, log: Arc<Lines>) -> GatewaySettings {
    let plugins = PluginsSettings {
        logs: Box::new(move |_| log.clone()),
        probation: ProbationSettings { time: Duration::ZERO, ..ProbationSettings::default() },
        breaker: BreakerSettings { faults: NonZeroU32::MAX, ..BreakerSettings::default() },
        ..PluginsSettings::default()
    };
    let schedule = ScheduleSettings { clock: Arc::new(hand.clone()), ..ScheduleSettings::default() };
    let outbox = Arc::new(FolderOutbox::open(outbox).unwrap()) as Arc<dyn Outbox>;
    GatewaySettings {
        plugins,
        schedule,
        outbox: OutboxSettings { outbox: Some(outbox), ..OutboxSettings::default() },
        ..GatewaySettings::default()
    }
}

fn person(scope: &str) -> Principal {
    Principal { channel: "test".into(), sender: "ada".into(), scopes: vec![scope.to_owned()] }
}

pub(super) fn success(acted: Acted) -> ActionSuccess {
    match acted.unwrap_or_else(|e| panic!("{e}")) {
        ActionOutcome::Success(success) => success,
        ActionOutcome::Failure(failure) => panic!("{failure:?}"),
    }
}

/// The code of what couldn't be done.
pub(super) fn code(acted: Acted) -> String {
    match acted.unwrap_or_else(|e| panic!("{e}")) {
        ActionOutcome::Failure(ActionFailure { code, .. }) => code.unwrap(),
        ActionOutcome::Success(success) => panic!("{success:?}"),
    }
}
