//! What stands in a plugin's cell beside its limits: who it is, its log, its settings, its way to the state and to the host's services, and the call that is
//! under way.
//!
//! Which plugin asks, and on whose behalf, is known here and nowhere else: an import has no argument for it. A cell costs one more reference to what all cells of its
//! generation share; a call's place in here is moved in and out and allocates nothing.

use crate::call::{Call, Chain};
use crate::config::Config;
use crate::extra::Succession;
use crate::grant::{Grant, Grants};
use crate::id::PluginId;
use crate::services::{Caller, NoServices, Services};
use plugbay_engine::Log;
use plugbay_state::{Owner, StateStore};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A guest's own part of a store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Guest {
    part: Arc<Part>,
    /// Whether it may change anything: not in `activate` or `restore`.
    pub(crate) live: bool,
    /// Whether its cell is an extra one.
    pub(crate) aside: bool,
    /// The call that is under way; none in the plugin's own lifecycle.
    pub(crate) call: Option<UnderWay>,
}

/// What all cells of a generation have in common.
pub(crate) struct Part {
    pub(crate) plugin: PluginId,
    /// Which of the plugin's generations it is; 0 before it is published.
    pub(crate) number: AtomicU64,
    pub(crate) log: Arc<Log>,
    pub(crate) config: Config,
    /// Its part of the state, unless that was denied.
    pub(crate) state: Option<State>,
    pub(crate) services: Arc<dyn Services>,
    pub(crate) grants: Grants,
    /// The namespaces of session state that it registered.
    pub(crate) namespaces: BTreeSet<String>,
    /// Whether it exports `timers`.
    pub(crate) timers: bool,
    /// What it shares with the generations before and after it.
    pub(crate) succession: Arc<Succession>,
}

/// A plugin's own part of the state.
pub(crate) struct State {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) owner: Owner,
}

/// A call, as long as it lasts.
#[derive(Clone)]
pub(crate) struct UnderWay {
    pub(crate) call: Call,
    /// What of the plugin was called.
    pub(crate) export: &'static str,
    /// Nothing may be changed in it.
    pub(crate) pure: bool,
    /// What the host failed at, if that is why the call ends.
    pub(crate) failure: Option<String>,
}

impl UnderWay {
    pub(crate) const fn new(call: Call, export: &'static str, pure: bool) -> Self {
        Self { call, export, pure, failure: None }
    }
}

impl Part {
    /// What a sealed cell has: nothing that leads out of it.
    pub(crate) fn sealed(plugin: PluginId, log: Arc<Log>) -> Self {
        Self {
            plugin,
            number: AtomicU64::new(0),
            log,
            config: Config::default(),
            state: None,
            services: Arc::new(NoServices),
            grants: Grants::default(),
            namespaces: BTreeSet::new(),
            timers: false,
            succession: Arc::default(),
        }
    }
}

impl Guest {
    pub(crate) fn new(part: Part) -> Self {
        Self { part: Arc::new(part), live: false, aside: false, call: None }
    }

    pub(crate) fn plugin(&self) -> &PluginId {
        &self.part.plugin
    }

    pub(crate) fn number(&self) -> u64 {
        self.part.number.load(Ordering::Relaxed)
    }

    /// It is published, as this generation.
    pub(crate) fn publish(&self, number: u64) {
        self.part.number.store(number, Ordering::Relaxed);
    }

    pub(crate) fn log(&self) -> &Log {
        &self.part.log
    }

    pub(crate) fn config(&self) -> &Config {
        &self.part.config
    }

    /// Its part of the state, unless it was denied.
    pub(crate) fn state(&self) -> Option<&State> {
        self.part.state.as_ref()
    }

    pub(crate) fn services(&self) -> &Arc<dyn Services> {
        &self.part.services
    }

    pub(crate) fn has(&self, grant: Grant) -> bool {
        self.part.grants.has(grant)
    }

    /// Whether its registration names this namespace of session state.
    pub(crate) fn registered(&self, namespace: &str) -> bool {
        self.part.namespaces.contains(namespace)
    }

    /// The namespaces that its registration names.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.part.namespaces.iter().map(String::as_str)
    }

    /// Whether it can be told that a timer is due.
    pub(crate) fn has_timers(&self) -> bool {
        self.part.timers
    }

    pub(crate) fn succession(&self) -> &Arc<Succession> {
        &self.part.succession
    }

    /// Whether what it asks to be changed in its own rows is changed.
    pub(crate) fn may_write(&self) -> bool {
        self.live && self.call.as_ref().is_none_or(|under_way| !under_way.pure)
    }

    /// Whether what it asks to be changed in sessions and runs is changed: in a call, and not of a kind that has to be pure.
    pub(crate) fn may_change(&self) -> bool {
        self.live && self.call.as_ref().is_some_and(|under_way| !under_way.pure)
    }

    /// The host failed at something for which the contract has no word: the call ends, and the host is named as the one who failed.
    pub(crate) fn fails(&mut self, why: String) -> wasmtime::Error {
        let error = wasmtime::Error::msg(why.clone());
        if let Some(under_way) = &mut self.call {
            under_way.failure = Some(why);
        }
        error
    }

    /// Who asks.
    pub(crate) fn caller(&self) -> Caller {
        let (plugin, generation) = (self.plugin().clone(), self.number());
        let Some(UnderWay { call, export, .. }) = &self.call else {
            return Caller { plugin, generation, session: None, run: None, chain: Chain::default() };
        };
        let told = &*call.0;
        let chain = told.chain.with_call(plugin.clone(), export, told.session.clone(), self.aside);
        Caller { plugin, generation, session: told.session.clone(), run: told.run.clone(), chain }
    }
}
