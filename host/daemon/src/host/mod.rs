//! The running host: plugins as the directory and the configuration want them, and what operators do to them.
//!
//! Three things change plugins: the plugins directory, `plugbay.toml`, and commands. All three end in the same step, [`Host::settle`], which compares what is
//! wanted of a plugin with what it is. Commands that change files do so one after the other; what a command changes, file, state and history, changes all or not
//! at all. Starting fails only if there is nothing to start with: no state, no engine, a configuration that can't be read. A plugin never keeps it from
//! starting.

mod agents;
mod alongside;
pub(crate) mod doctor;
mod failure;
mod install;
mod look;
mod operate;
mod settle;
mod start;
mod tokens;
mod views;

pub(crate) use agents::Opened;
pub use failure::{Failure, Kind};
pub use start::{Program, StartError};

use crate::config::ConfigFile;
use crate::directory::Directory;
use crate::logs::PluginLogs;
use crate::tokens::Tokens;
use plugbay_gateway::Gateway;
use plugbay_runtime::state::{Sqlite, StateLock, Sweeper};
use plugbay_runtime::{PluginId, Plugins};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running host. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    gateway: Gateway,
    /// Turns whose models others run.
    prepared: agents::PreparedTurns,
    state: Arc<Sqlite>,
    logs: PluginLogs,
    path: PathBuf,
    /// The configuration that is in force.
    config: alongside::InForce,
    /// The one that the host was started with: where things are is said only there.
    started_with: Arc<ConfigFile>,
    /// Why the file isn't in force as it stands.
    config_problem: Mutex<Option<String>>,
    /// Held by who changes files.
    editing: tokio::sync::Mutex<()>,
    directory: Directory,
    /// Files of the directory that are no plugins.
    refused: Mutex<BTreeMap<String, String>>,
    tokens: Mutex<Tokens>,
    /// Held by who writes tokens down, so that none comes back that was revoked meanwhile.
    keeping_tokens: tokio::sync::Mutex<()>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stopping: watch::Sender<bool>,
    sweeper: Mutex<Option<Sweeper>>,
    /// Given back when the host has stopped, whoever still holds on to it.
    lock: Mutex<Option<StateLock>>,
}

/// Who asks for something, and why.
#[derive(Debug, Clone, Default)]
pub struct By {
    /// Who: a token's name, or the user at the socket.
    pub who: String,
    /// Why, in their words.
    pub why: Option<String>,
}

impl Host {
    /// Sessions, turns, hooks and tools.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.0.gateway
    }

    /// The plugins.
    #[must_use]
    pub fn plugins(&self) -> &Plugins {
        self.0.gateway.plugins()
    }

    /// The plugins' logs.
    #[must_use]
    pub fn logs(&self) -> &PluginLogs {
        &self.0.logs
    }

    /// The configuration that is in force.
    #[must_use]
    pub fn config(&self) -> Arc<ConfigFile> {
        lock(&self.0.config).clone()
    }

    /// Becomes true when the host begins to stop.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    /// Begins to stop: whoever serves requests takes no new ones. What is under way goes on, until [`Host::stop`].
    pub fn begin_to_stop(&self) {
        self.0.stopping.send_replace(true);
        // Nobody can come and answer any more, so nothing waits for an answer.
        self.0.gateway.approvals().stop();
    }

    /// Stops everything in good order: what watches, turns and plugins (what is under way may go on for so long), logs, and the state last. Whoever serves requests
    /// has to have stopped.
    pub async fn stop(&self, drain: Duration) {
        self.begin_to_stop();
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        for task in tasks {
            task.abort();
            // That it was ended isn't news.
            let _ = task.await;
        }
        self.0.prepared.stop().await;
        self.0.gateway.shutdown(drain, None).await;
        self.keep_used_tokens().await;
        drop(lock(&self.0.sweeper).take());
        self.0.logs.close().await;
        plugbay_runtime::state::StateStore::close(&*self.0.state).await;
        drop(lock(&self.0.lock).take());
    }

    fn known_ids(&self) -> Vec<PluginId> {
        self.plugins().all().iter().map(|p| p.id().clone()).collect()
    }
}

/// A lock whose poison doesn't matter: every critical section here leaves whole values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
