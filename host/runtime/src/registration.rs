//! What a plugin registers: the answer of `describe`, checked against `wit/registration.schema.json` and against the plugin's own surface.
//!
//! A surface says *that* a hook is handled; the registration only says *how*. So nothing in here can add to what a plugin does.

mod actions;
mod engine;
mod error;
mod hooks;
mod isolation;
mod scope;
mod tools;
mod ui;

pub use actions::{ActionRegistration, CommandRegistration};
pub use engine::{EngineRegistration, Maintenance};
pub use error::RegistrationError;
pub use hooks::HookRegistration;
pub use isolation::Borne;
pub use scope::Scope;
pub use tools::{Risk, ToolRegistration};
pub use ui::{UiRegistration, UiSurface};

use crate::hook::Hook;
use crate::hooks::SessionProjection;
use crate::schema::{self, Published};
use crate::surface::Surface;
use plugbay_engine::Isolation;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The schema, as published.
static SCHEMA: Published = Published::new(include_str!("../wit/registration.schema.json"));

/// What a plugin registers.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Registration {
    /// How it takes part in its hooks.
    #[serde(default)]
    pub hooks: Vec<HookRegistration>,
    /// Its tools; some exactly if it exports `tools`.
    #[serde(default)]
    pub tools: Vec<ToolRegistration>,
    /// What people can have it do; some exactly if it exports `session-actions`.
    #[serde(default)]
    pub actions: Vec<ActionRegistration>,
    /// Its own commands; some exactly if it exports `commands`.
    #[serde(default)]
    pub commands: Vec<CommandRegistration>,
    /// Where a page shows what of it.
    #[serde(default)]
    pub ui: Vec<UiRegistration>,
    /// The namespaces of its state of sessions.
    #[serde(default)]
    pub session_state: Vec<NamespaceRegistration>,
    /// How it serves as context engine; said exactly if it does.
    #[serde(default)]
    pub context_engine: Option<EngineRegistration>,
    /// How its code may be kept.
    #[serde(default = "shared_only")]
    pub isolation: BTreeSet<Borne>,
    /// The JSON Schema of its settings, without references.
    #[serde(default)]
    pub config: Option<Value>,
}

/// One namespace of a plugin's state of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NamespaceRegistration {
    /// Its name.
    pub namespace: String,
    /// What is there, for people.
    pub description: String,
}

fn shared_only() -> BTreeSet<Borne> {
    BTreeSet::from([Borne::Shared])
}

impl Registration {
    /// Checks two answers of `describe`.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn check(first: &str, second: &str, surface: &Surface) -> Result<Self, RegistrationError> {
        if first != second {
            let at = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count();
            return Err(RegistrationError::Differs { at });
        }
        let value = crate::json::Json::check(first)?.parse()?;
        SCHEMA.check(&value).map_err(RegistrationError::Schema)?;
        let mut registration: Self = serde_json::from_value(value).map_err(|e| RegistrationError::Schema(e.to_string()))?;
        registration.names_exports_once(surface)?;
        registration.names_namespaces_once(surface)?;
        registration.is_an_engine_or_none(surface)?;
        registration.expand_tools(surface)?;
        registration.expand_actions(surface)?;
        registration.names_commands_once(surface)?;
        registration.shows_its_own()?;
        if let Some(config) = &mut registration.config {
            *config = schema::expand(config).map_err(RegistrationError::Config)?;
            schema::compile(config).map_err(RegistrationError::Config)?;
        }
        Ok(registration)
    }

    fn names_namespaces_once(&self, surface: &Surface) -> Result<(), RegistrationError> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.session_state.iter().find(|said| !seen.insert(&said.namespace)) {
            return Err(RegistrationError::NamespaceTwice(twice.namespace.clone()));
        }
        let shows = surface.exports.contains(SessionProjection::NAME);
        if shows && self.session_state.is_empty() { Err(RegistrationError::NoNamespaces) } else { Ok(()) }
    }

    /// How its cells are kept where the operator doesn't say: a context engine has one for each session, if it bears that.
    #[must_use]
    pub fn usual_isolation(&self) -> Isolation {
        let apart = self.context_engine.is_some() && self.isolation.contains(&Borne::Session);
        if apart { Isolation::Session } else { Isolation::default() }
    }

    /// How it takes part in this hook, if it says.
    #[must_use]
    pub fn hook(&self, name: &str) -> Option<&HookRegistration> {
        self.hooks.iter().find(|h| h.hook == name)
    }
}

#[cfg(test)]
mod tests;
