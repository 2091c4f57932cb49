//! Runs: what belongs to one turn while it lasts, and is forgotten with it: values of plugins, events and their numbers, second tries.
//!
//! A run begins with [`Runs::open`] and ends when its [`RunGuard`] is dropped. From then on nothing is written; who observes the end may still read, for
//! as long as observers are under way and 5 s at most, in the background; then it is forgotten. It costs a short lock for each operation, and what plugins
//! keep there, within its bounds. What comes too late, or is for a run that there never was, is refused as `closed`.

mod run;
#[cfg(test)]
mod tests;
mod topics;
mod values;

pub use run::RunAbout;
pub(crate) use run::now;
pub use topics::HostTopic;

use crate::desk::Late;
use crate::finalize::Ruling;
use plugbay_runtime::{AgentEvent, Caller, Finalization, Json, Payload, ServiceCode, ServiceError};
use run::{Run, closed};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// How long those who observe a run's end find its values.
const FAREWELL: Duration = Duration::from_secs(5);
/// Ended runs whose names are still known.
const KNOWN: usize = 512;

/// All runs that are under way. Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub struct Runs(Arc<Inner>);

#[derive(Default)]
struct Inner {
    late: Late,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Those under way, and those that ended just now.
    runs: HashMap<Arc<str>, Arc<Run>>,
    /// Those that were forgotten last, the newest behind.
    forgotten: VecDeque<Arc<str>>,
}

/// A run's id that was used already.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is, or was, a run `{0}`: each needs an id of its own")]
pub struct RunTaken(pub Arc<str>);

impl Runs {
    /// No runs yet. Who is told of events is bound later.
    pub(crate) fn new(late: Late) -> Self {
        Self(Arc::new(Inner { late, table: Mutex::default() }))
    }

    /// Begins a run.
    ///
    /// # Errors
    /// If there is one with this id, or was one lately.
    pub fn open(&self, run: impl Into<Arc<str>>, about: RunAbout) -> Result<RunGuard, RunTaken> {
        let id = run.into();
        let mut table = self.table();
        if table.runs.contains_key(&id) || table.forgotten.contains(&id) {
            return Err(RunTaken(id));
        }
        let run = Arc::new(Run::new(id.clone(), about, self.0.late.clone()));
        table.runs.insert(id, run.clone());
        Ok(RunGuard { runs: self.clone(), run })
    }

    /// How many are kept: under way, or ended just now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table().runs.len()
    }

    /// `run-context.get`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `InvalidInput`.
    pub fn value(&self, caller: &Caller, name: &str) -> Result<Option<Json>, ServiceError> {
        self.of(caller)?.value(&caller.plugin, name)
    }

    /// `run-context.set`, or `unset` without a value. Whether there was one.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `InvalidInput`, `LimitExceeded`.
    pub fn set_value(&self, caller: &Caller, name: &str, value: Option<Json>) -> Result<bool, ServiceError> {
        self.of(caller)?.set(&caller.plugin, name, value)
    }

    /// `run-context.clear`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`.
    pub fn clear_values(&self, caller: &Caller) -> Result<(), ServiceError> {
        self.of(caller)?.clear(&caller.plugin)
    }

    /// `events.emit`.
    ///
    /// # Errors
    /// `InvalidInput`, `ForeignTopic`, `Closed`, `LimitExceeded`.
    pub fn emit(&self, caller: &Caller, topic: &str, data: &Json) -> Result<(), ServiceError> {
        let Some(id) = &caller.run else {
            return Err(ServiceError::new(ServiceCode::Closed, "emit: the call belongs to no run, and an event needs one"));
        };
        self.find(id)?.emit(&caller.plugin, topic, data)
    }

    /// The run behind a call, and what it is about: only while it is under way.
    ///
    /// # Errors
    /// `NoRun`, `Closed`.
    pub(crate) fn behind(&self, caller: &Caller, what: &str) -> Result<(Arc<str>, RunAbout), ServiceError> {
        let none = || {
            ServiceError::new(
                ServiceCode::NoRun,
                format!("{what}: the call belongs to no turn, and only a turn that is under way has this"),
            )
        };
        let id = caller.run.as_ref().ok_or_else(none)?;
        Ok((id.clone(), self.find(id)?.about_open()?))
    }

    fn of(&self, caller: &Caller) -> Result<Arc<Run>, ServiceError> {
        let id = caller.run.as_ref().ok_or_else(|| ServiceError::new(ServiceCode::NoRun, "run-context: the call belongs to no run"))?;
        self.find(id)
    }

    fn find(&self, id: &Arc<str>) -> Result<Arc<Run>, ServiceError> {
        self.table().runs.get(id).cloned().ok_or_else(|| closed(id))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, run: &Run) {
        let mut table = self.table();
        table.runs.remove(&run.id);
        table.forgotten.push_back(run.id.clone());
        if table.forgotten.len() > KNOWN {
            table.forgotten.pop_front();
        }
    }

    /// Lets those who observe the end have their look, in the background. Without a tokio runtime there are none.
    fn take_leave(&self, run: Arc<Run>) {
        let (Some(bound), Ok(background)) = (self.0.late.get(), tokio::runtime::Handle::try_current()) else {
            return self.forget(&run);
        };
        let (runs, hooks) = (self.clone(), bound.hooks.clone());
        background.spawn(async move {
            hooks.settled(FAREWELL).await;
            runs.forget(&run);
        });
    }
}

/// A run that is under way. Dropping it ends the run.
pub struct RunGuard {
    runs: Runs,
    run: Arc<Run>,
}

impl RunGuard {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.run.id
    }

    /// Emits one of the host's own events.
    pub fn event(&self, topic: HostTopic, data: &serde_json::Value) {
        self.run.event(topic, Payload::of(data));
    }

    /// Shows each event, the host's and those of plugins, to one who watches; in order, and before plugins are told. It mustn't wait.
    pub fn watch(&self, watch: impl Fn(&AgentEvent) + Send + Sync + 'static) {
        self.run.watch(Box::new(watch));
    }

    /// Whether the agent is sent back with its last word; counts the attempt.
    #[must_use]
    pub fn rule(&self, wanted: &Finalization) -> Ruling {
        self.run.rule(wanted)
    }

    /// How often it was.
    #[must_use]
    pub fn revisions(&self) -> u32 {
        self.run.revisions()
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        self.run.end();
        self.runs.take_leave(self.run.clone());
    }
}
