//! What is known of subagents beside the state: runs that are under way, the last that ended, which are being made or removed. Short locks; nothing here waits or fails, but for its bounds.

use plugbay_runtime::{PluginId, ServiceCode, ServiceError, Session, SpawnFate, SubagentFate, SubagentState, SubagentStatus};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Runs of a plugin's subagents that are remembered when they have ended.
const REMEMBERED: usize = 64;

/// All of it.
#[derive(Default)]
pub(crate) struct Subagents {
    table: Mutex<Table>,
    /// Held while it is counted and noted that there is one more.
    pub(super) births: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Table {
    under_way: HashMap<Arc<str>, Arc<Child>>,
    /// Those whose call isn't so far.
    reserved: usize,
    ended: HashMap<PluginId, VecDeque<(Arc<str>, SubagentStatus)>>,
    /// Sessions of subagents that are being made.
    making: HashSet<String>,
    removals: HashMap<String, Removal>,
}

/// A subagent that is being removed.
#[derive(Clone)]
pub(super) struct Removal {
    /// What its context engine is told.
    pub(super) fate: SpawnFate,
    /// Closed, when the first attempt is over.
    pub(super) tried: watch::Receiver<()>,
}

/// A run of a subagent that is about to begin, waits or is under way.
pub(super) struct Child {
    pub(super) plugin: PluginId,
    pub(super) key: String,
    pub(super) run: Arc<str>,
    /// How many runs of subagents led to it, itself included.
    pub(super) depth: u32,
    /// The session that it works for.
    pub(super) parent: Session,
    /// The run that set it to work.
    pub(super) parent_run: Arc<str>,
    /// How it ends, if it doesn't end by itself.
    pub(super) fate: Mutex<Option<SubagentFate>>,
    pub(super) status: watch::Sender<Option<SubagentStatus>>,
}

impl Child {
    /// Whether its subagent is to be removed.
    pub(super) fn is_unwanted(&self) -> bool {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What it is, once it has ended.
    pub(super) fn ended(&self) -> watch::Receiver<Option<SubagentStatus>> {
        self.status.subscribe()
    }
}

/// The right to one more run. Dropping it gives it back.
pub(super) struct Reserved<'a>(&'a Subagents);

/// A subagent that nobody else makes meanwhile.
pub(super) struct Making<'a>(&'a Subagents, String);

/// How a run is, as far as it is remembered.
pub(super) enum Known {
    UnderWay(Arc<Child>),
    Ended(SubagentStatus),
}

impl Subagents {
    /// Takes the right to one more run.
    pub(super) fn reserve(&self, at_once: usize) -> Result<Reserved<'_>, ServiceError> {
        let mut table = self.table();
        let runs = table.under_way.len() + table.reserved;
        if runs >= at_once {
            let why = format!(
                "run: {runs} runs of subagents wait or are under way, {at_once} may be at a time (setting `agent.subagents.at-once`)"
            );
            return Err(ServiceError::new(ServiceCode::LimitExceeded, why));
        }
        table.reserved += 1;
        Ok(Reserved(self))
    }

    /// Whether it is being made.
    pub(super) fn is_made(&self, key: &str) -> bool {
        self.table().making.contains(key)
    }

    /// From now on nobody else makes this one. None: somebody does.
    pub(super) fn making(&self, key: &str) -> Option<Making<'_>> {
        self.table().making.insert(key.to_owned()).then(|| Making(self, key.to_owned()))
    }

    /// How many runs of subagents led to this run.
    pub(super) fn depth(&self, run: &str) -> u32 {
        self.table().under_way.get(run).map_or(0, |child| child.depth)
    }

    /// A run is about to begin: from now on who removes its subagent finds it.
    pub(super) fn begin(&self, child: Child, _right: Reserved<'_>) -> Arc<Child> {
        let child = Arc::new(child);
        self.table().under_way.insert(child.run.clone(), child.clone());
        child
    }

    /// There is no turn of it.
    pub(super) fn abandon(&self, child: &Child) {
        self.table().under_way.remove(&child.run);
    }

    /// It has ended. Who waits is told; and it is remembered, if its plugin serves: that is looked at in one with [`Subagents::forget`], so that nothing is left of who is uninstalled.
    pub(super) fn end(&self, child: &Child, status: SubagentStatus, serves: impl FnOnce() -> bool) {
        let mut table = self.table();
        table.under_way.remove(&child.run);
        if serves() {
            let ended = table.ended.entry(child.plugin.clone()).or_default();
            ended.push_back((child.run.clone(), status.clone()));
            if ended.len() > REMEMBERED {
                ended.pop_front();
            }
        }
        drop(table);
        child.status.send_replace(Some(status));
    }

    /// A run of a plugin's subagents.
    pub(super) fn find(&self, plugin: &PluginId, run: &str) -> Option<Known> {
        let table = self.table();
        if let Some(child) = table.under_way.get(run).filter(|child| child.plugin == *plugin) {
            return Some(Known::UnderWay(child.clone()));
        }
        let ended = table.ended.get(plugin)?.iter().rev().find(|(id, _)| **id == *run)?;
        Some(Known::Ended(ended.1.clone()))
    }

    /// Runs in this session that wait or are under way.
    pub(super) fn runs_of(&self, key: &str) -> Vec<Arc<Child>> {
        self.table().under_way.values().filter(|child| child.key == key).cloned().collect()
    }

    /// A subagent is to be removed. The second half is there for who is first to say so, and has to do it: the removal is tried when that is dropped, and over with [`Subagents::removed`].
    pub(super) fn remove(&self, key: &str, fate: SpawnFate) -> (Removal, Option<watch::Sender<()>>) {
        let mut table = self.table();
        if let Some(removal) = table.removals.get(key) {
            return (removal.clone(), None);
        }
        let (trying, tried) = watch::channel(());
        let removal = Removal { fate, tried };
        table.removals.insert(key.to_owned(), removal.clone());
        (removal, Some(trying))
    }

    /// Why a subagent is being removed, if it is.
    pub(super) fn removal(&self, key: &str) -> Option<SpawnFate> {
        self.table().removals.get(key).map(|removal| removal.fate)
    }

    pub(super) fn removed(&self, key: &str) {
        self.table().removals.remove(key);
    }

    /// What is remembered of the runs of a plugin that serves no more goes.
    pub(super) fn forget(&self, plugin: &PluginId) {
        self.table().ended.remove(plugin);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.0.table().reserved -= 1;
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.table().making.remove(&self.1);
    }
}

/// A run that hasn't ended.
pub(super) const PENDING: SubagentStatus = SubagentStatus { state: SubagentState::Pending, text: None, error: None };
