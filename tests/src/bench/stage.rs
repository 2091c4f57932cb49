//! What both sides are told: a plugin of ours, the same component raw, and the same call context for either.

use super::raw::wire::exports::plugbay::plugin::plugin::Activation;
use super::raw::wire::plugbay::plugin::types::{self, ActivationReason};
use super::raw::{Maker, Talk};
use crate::lab::{Lab, granted};
use anyhow::Result;
use plugbay_runtime::engine::{Isolation, Limits};
use plugbay_runtime::{Call, Entry, Payload, Plugin, Principal, Role, Session, Settings, Transcript};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use wasmtime::component::Component;

/// A plugin in a host, and its component for raw use.
pub(super) struct Stage {
    pub(super) plugin: Arc<Plugin>,
    pub(super) maker: Maker,
    pub(super) activation: Activation,
    pub(super) component: Component,
    pub(super) lab: Lab,
}

/// A host that compiles in a child of this program.
pub(super) fn lab() -> Result<Lab> {
    Lab::new(&std::env::current_exe()?)
}

impl Stage {
    /// Loads a plugin that was built from this repository.
    pub(super) async fn built(id: &str, path: &str, config: Map<String, Value>, isolation: Isolation) -> Result<Self> {
        Self::of(id, &fs::read(path)?, config, isolation).await
    }

    /// Loads a component.
    pub(super) async fn of(id: &str, bytes: &[u8], config: Map<String, Value>, isolation: Isolation) -> Result<Self> {
        let lab = lab()?;
        let (plugin, _) = lab.load(id, bytes, Settings { config: config.clone(), isolation: Some(isolation), ..granted() }).await?;
        // From the cache: the very code that the plugin runs.
        let component = lab.engine.load(&lab.engine.admit(bytes.to_vec())?, &Limits::default()).await?.component().clone();
        let by_name: HashMap<_, _> = config.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        let maker = Maker::new(lab.engine.wasm(), &component, by_name)?;
        Ok(Self { plugin, maker, activation: activation(&config), component, lab })
    }

    /// The plugin that does what the tool's name says.
    pub(super) async fn bench_guest() -> Result<Self> {
        let config = Map::from_iter([("greeting".to_owned(), json!("good morning to you"))]);
        Self::built("bench-guest", plugbay_guests::built::BENCH_GUEST, config, Isolation::Shared).await
    }
}

/// What the host tells a cell that a call needs.
pub(super) fn activation(config: &Map<String, Value>) -> Activation {
    Activation {
        reason: ActivationReason::Cell,
        config: Value::Object(config.clone()).to_string(),
        granted: vec!["conversation".to_owned()],
        denied: Vec::new(),
        previous_version: None,
    }
}

/// How much a call context says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Only why the plugin is called.
    Cause,
    /// All there is: a session, a conversation, a run, a principal.
    Everything,
}

const SESSION: &str = "agent:main:http:someone@example.org";
const RUN: &str = "0197e0f2-7a52-7c11-b0a4-51e5c2a4f4d1";
const SCOPES: [&str; 2] = ["operator.read", "operator.write"];
const ENTRIES: u64 = 20;

impl Told {
    /// The call for our side.
    pub(super) fn ours(self) -> Call {
        if self == Self::Cause {
            return Call::new();
        }
        let entry = |id| Entry { id, role: Role::User, at: id, content: Payload::of(&json!("and then?")), tool_call_id: None };
        let scopes = SCOPES.map(str::to_owned).into();
        Call::new()
            .session(Session::new(SESSION, RUN))
            .transcript(Transcript::new((0..ENTRIES).map(entry).collect()))
            .run(RUN)
            .principal(Principal { channel: "http".to_owned(), sender: "someone@example.org".to_owned(), scopes })
    }

    /// The context for the raw side, but for the handles, which each call gets anew.
    pub(super) fn raw(self, hook: &str, deadline_ms: u64) -> types::CallContext {
        let told = self == Self::Everything;
        let scopes = SCOPES.map(str::to_owned).into();
        types::CallContext {
            cause: types::Cause { kind: types::CauseKind::Hook, name: hook.to_owned(), invocation: 1 },
            session: None,
            transcript: None,
            run: told.then(|| RUN.to_owned()),
            principal: told.then(|| types::Principal { channel: "http".to_owned(), sender: "someone@example.org".to_owned(), scopes }),
            deadline_ms,
            attrs: Vec::new(),
        }
    }

    /// What the raw side makes its handles of.
    pub(super) fn talk(self) -> Option<Talk> {
        let content = || types::Payload::Json("\"and then?\"".to_owned());
        let entry = |id| types::Entry { id, role: types::Role::User, at: id, content: content(), tool_call_id: None };
        (self == Self::Everything).then(|| Talk { session: SESSION.into(), entries: (0..ENTRIES).map(entry).collect() })
    }
}
