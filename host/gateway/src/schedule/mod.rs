//! The schedule: what plugins have the host do later. A session's agent has a turn, the plugin's own `timers` are told, or an agent goes on after an action.
//!
//! Jobs are rows of the state. What is due is claimed, then marked as begun, then done, then ended, each a commit; so whenever a host dies, a due time is run once, or not run and
//! said so in the history, and never twice. A job's runs never overlap. One task waits for the next moment; idle it costs a look at the state every half minute. A
//! plugin that doesn't serve keeps its jobs, which run when it is back; one that was denied `schedule` has its due times skipped, which the history says.

mod asked;
mod clock;
mod places;
mod plan;
mod rounds;
mod run;
mod settings;
mod task;
mod view;

pub use clock::ScheduleClock;
pub use settings::ScheduleSettings;
use task::ACTION;
pub(crate) use task::{Actor, Task};
pub use view::JobView;

use crate::desk::Late;
use places::Places;
use plan::Plan;
use plugbay_runtime::state::{Job, JobPut, JobSession, JobTime, NewJob, StateError, WorkStore};
use plugbay_runtime::{Call, JobChange, JobChangeKind, JobChanged, PluginId, Session};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{Notify, RwLock};
use uuid::Uuid;

/// Failing jobs that are remembered. Beyond, all are forgotten, and told once more.
const AILING: usize = 10_000;

/// Jobs of plugins. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Schedule(Arc<Inner>);

struct Inner {
    store: Arc<dyn WorkStore>,
    settings: ScheduleSettings,
    late: OnceLock<Late>,
    /// Held by who writes that a job is there, until its plugin is told of that: the beginning of its run is told behind it.
    putting: RwLock<()>,
    /// Jobs that come again and whose last run failed: the history was told so.
    ailing: Mutex<HashSet<String>>,
    /// Rung when something may be due sooner than it was.
    bell: Arc<Notify>,
    /// Runs that may begin.
    places: Places,
    /// When the gateway began to look for what is due.
    began_at: OnceLock<u64>,
}

impl Schedule {
    pub(crate) fn new(store: Arc<dyn WorkStore>, settings: ScheduleSettings) -> Self {
        let bell = Arc::new(Notify::new());
        let places = Places::new(settings.concurrent.get(), bell.clone());
        Self(Arc::new(Inner {
            store,
            settings,
            late: OnceLock::new(),
            putting: RwLock::default(),
            ailing: Mutex::default(),
            bell,
            places,
            began_at: OnceLock::new(),
        }))
    }

    /// Lets it tell plugins what becomes of their jobs, once. It doesn't keep them alive: they hold the desk, which holds the schedule.
    pub(crate) fn tells(&self, late: Late) {
        drop(self.0.late.set(late)); // a schedule is of one gateway, which is made with it
    }

    fn now(&self) -> u64 {
        self.0.settings.clock.now()
    }

    /// Whoever waits for what is due looks again.
    fn poke(&self) {
        self.0.bell.notify_one();
    }

    /// The agent of a session goes on after an action: now, or, if the host dies before, when it is back.
    ///
    /// # Errors
    /// If the state can't be written. None: the session is gone; else the id of the job that is its next turn, and that turn's message id.
    pub(crate) async fn goes_on(
        &self,
        plugin: &PluginId,
        session: &Session,
        message: String,
        by: Option<Actor>,
    ) -> Result<Option<String>, StateError> {
        let Some((key, life)) = session.key().zip(session.id()) else { return Ok(None) };
        let task = Task::Action { message, by };
        let now = self.now();
        let id = Uuid::new_v4().to_string();
        let job = NewJob {
            id: id.clone(),
            plugin: plugin.to_string(),
            name: None,
            tag: None,
            session: Some(JobSession { key: key.to_owned(), life: life.to_owned() }),
            kind: task.kind().to_owned(),
            body: task.body(),
            plan: serde_json::to_string(&Plan::at_once(now)).unwrap_or_default(),
            time: JobTime { due_at: now, run_at: now },
        };
        let put = self.0.store.put_job(job, u64::MAX).await?;
        self.poke();
        Ok((!matches!(put, JobPut::Gone)).then_some(id))
    }

    /// Tells a plugin what became of a job of its own. That an agent goes on is none: the plugin was answered, and asked for nothing more.
    fn tell(&self, job: &Job, change: JobChange) {
        if job.asked.kind == ACTION {
            return;
        }
        let (Some(bound), Ok(plugin)) = (self.0.late.get().and_then(Late::get), PluginId::try_from(job.asked.plugin.clone())) else {
            return;
        };
        bound.hooks.tell_one::<JobChanged>(&plugin, &call(job), change);
    }

    /// Whether it is news that a run of this job went so. What fails again and again would be told without end.
    fn is_news(&self, job: &Job, failed: bool) -> bool {
        let mut ailing = self.0.ailing.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            ailing.remove(&job.asked.id);
            return false;
        }
        if ailing.len() >= AILING {
            ailing.clear();
        }
        ailing.insert(job.asked.id.clone())
    }

    /// The same, of the beginning of a run.
    fn tell_start(&self, job: &Job) {
        self.tell(job, asked::changed(job, JobChangeKind::Started));
    }
}

/// A call about a job: about its session, if it has one.
fn call(job: &Job) -> Call {
    match &job.asked.session {
        Some(JobSession { key, life }) => Call::new().session(Session::new(key, life)),
        None => Call::new(),
    }
}
