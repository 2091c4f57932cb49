//! What a plugin registers: the answer of `describe`, checked against `wit/registration.schema.json` and against the plugin's own surface.
//!
//! A surface says *that* a hook is handled; the registration only says *how*. So nothing in here can add to what a plugin does.

use crate::hook::{Hook, Subject};
use crate::hooks::{ContextAssemble, ContextCompact, ContextIngest, SessionProjection, Tools};
use crate::schema::{self, Published, Taken};
use crate::surface::Surface;
use crate::wire::types::CauseKind;
use plugbay_engine::Isolation;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use thiserror::Error;

/// The schema, as published.
static SCHEMA: Published = Published::new(include_str!("../wit/registration.schema.json"));

/// What a context engine has.
const ENGINE: [&str; 3] = [ContextIngest::NAME, ContextAssemble::NAME, ContextCompact::NAME];

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

/// How a plugin takes part in one hook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HookRegistration {
    /// Which.
    pub hook: String,
    /// Higher runs first.
    #[serde(default)]
    pub priority: i32,
    /// How long one call may take.
    #[serde(default)]
    pub budget_ms: Option<u64>,
    /// For hooks about tools: only these.
    #[serde(default)]
    pub tools: Option<BTreeSet<String>>,
    /// For agent events: only these topics.
    #[serde(default)]
    pub topics: Option<BTreeSet<String>>,
}

impl HookRegistration {
    /// The budget that the plugin asks for.
    #[must_use]
    pub fn budget(&self) -> Option<Duration> {
        self.budget_ms.map(Duration::from_millis)
    }

    /// What it restricts itself to, of what the hook is about.
    #[must_use]
    pub const fn only(&self, subject: Subject) -> Option<&BTreeSet<String>> {
        match subject {
            Subject::Tool => self.tools.as_ref(),
            Subject::Topic => self.topics.as_ref(),
        }
    }
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ToolRegistration {
    /// Its name, as the model knows it.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments, an object, without references.
    pub parameters: Value,
    /// Its name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// How much harm a wrong call can do, if the plugin says.
    #[serde(default)]
    pub risk: Option<Risk>,
    /// What it is about.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// How much harm a wrong call of a tool can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Risk {
    Low,
    Medium,
    High,
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

/// How a plugin serves as context engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EngineRegistration {
    /// Whether it alone decides when a conversation becomes too long. Otherwise the host asks it to compact one that comes close to the budget.
    #[serde(default)]
    pub owns_compaction: bool,
    /// Where it tidies up after a turn.
    #[serde(default)]
    pub maintenance: Maintenance,
}

/// Where a context engine tidies up after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maintenance {
    /// In its usual cell: the session's next turn waits for it.
    Foreground,
    /// In a cell of its own, and nobody waits.
    #[default]
    Background,
}

/// Kinds of isolation that code can bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Borne {
    Shared,
    Pool,
    Session,
    Call,
}

impl Borne {
    /// The kind that an operator's choice is of.
    #[must_use]
    pub const fn of(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Shared => Self::Shared,
            Isolation::Pool(_) => Self::Pool,
            Isolation::Session => Self::Session,
            Isolation::Call => Self::Call,
        }
    }

    /// Its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Pool => "pool",
            Self::Session => "session",
            Self::Call => "call",
        }
    }
}

fn shared_only() -> BTreeSet<Borne> {
    BTreeSet::from([Borne::Shared])
}

/// Why the answer of `describe` doesn't count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// Two runs, two answers.
    #[error("its two answers differ at byte {at}: it must be pure")]
    Differs {
        /// The first byte that differs.
        at: usize,
    },
    /// It isn't JSON, or beyond the bounds.
    #[error("its answer is no good: {0}")]
    Json(#[from] crate::json::JsonError),
    /// The schema refuses it.
    #[error("its answer isn't what wit/registration.schema.json says: {0}")]
    Schema(String),
    /// It names a hook that isn't exported.
    #[error("it names the hook `{0}`, which the component doesn't export")]
    NotExported(String),
    /// It names a hook twice.
    #[error("it names the hook `{0}` twice")]
    Twice(String),
    /// It restricts a hook to what the hook isn't about.
    #[error("it names `{only}` for the hook `{hook}`, which isn't about {only}: leave them out there")]
    OffSubject {
        /// The hook.
        hook: String,
        /// `tools` or `topics`.
        only: &'static str,
    },
    /// It registers tools, and nobody could call them.
    #[error("it names {0} tools, and the component doesn't export `tools`")]
    ToolsNotExported(usize),
    /// It exports `tools`, and has none.
    #[error("the component exports `tools`, and it names no tool")]
    NoTools,
    /// It names a tool twice.
    #[error("it names the tool `{0}` twice")]
    ToolTwice(String),
    /// The schema for a tool's arguments is none.
    #[error("the `parameters` of its tool `{tool}` are no JSON Schema of an object: {problem}")]
    Parameters {
        /// The tool.
        tool: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It names a namespace twice.
    #[error("it names the namespace `{0}` of `session-state` twice")]
    NamespaceTwice(String),
    /// It shows state of sessions, and has none.
    #[error("the component exports `session-projection`, and it names no namespace in `session-state`")]
    NoNamespaces,
    /// It is half a context engine.
    #[error(
        "the component exports `{has}`, and no `{lacks}`: a context engine has `context-ingest`, `context-assemble` and `context-compact`"
    )]
    HalfAnEngine {
        /// What it exports.
        has: &'static str,
        /// What it lacks.
        lacks: &'static str,
    },
    /// It serves as context engine and doesn't say how, or the other way round.
    #[error("`context-engine` is said exactly if the component exports `context-assemble`")]
    EngineUnsaid,
    /// Its schema for the settings is none.
    #[error("its `config` is no JSON Schema: {0}")]
    Config(String),
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
        if let Some(config) = &mut registration.config {
            *config = schema::expand(config).map_err(RegistrationError::Config)?;
            schema::compile(config).map_err(RegistrationError::Config)?;
        }
        Ok(registration)
    }

    fn names_exports_once(&self, surface: &Surface) -> Result<(), RegistrationError> {
        let mut seen = BTreeSet::new();
        for said @ HookRegistration { hook, .. } in &self.hooks {
            let Some(info) = surface.hooks().find(|h| h.name == hook) else {
                return Err(RegistrationError::NotExported(hook.clone()));
            };
            if !seen.insert(hook) {
                return Err(RegistrationError::Twice(hook.clone()));
            }
            let off = |subject| said.only(subject).is_some() && info.subject != Some(subject);
            let off = [(Subject::Tool, "tools"), (Subject::Topic, "topics")].into_iter().find(|(subject, _)| off(*subject));
            if let Some((_, only)) = off {
                return Err(RegistrationError::OffSubject { hook: hook.clone(), only });
            }
        }
        Ok(())
    }

    fn names_namespaces_once(&self, surface: &Surface) -> Result<(), RegistrationError> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.session_state.iter().find(|said| !seen.insert(&said.namespace)) {
            return Err(RegistrationError::NamespaceTwice(twice.namespace.clone()));
        }
        let shows = surface.exports.contains(SessionProjection::NAME);
        if shows && self.session_state.is_empty() { Err(RegistrationError::NoNamespaces) } else { Ok(()) }
    }

    /// Who exports anything of a context engine is one, whole.
    fn is_an_engine_or_none(&self, surface: &Surface) -> Result<(), RegistrationError> {
        let any = surface.hooks().find(|hook| hook.cause == CauseKind::ContextEngine);
        let lacks = ENGINE.into_iter().find(|name| !surface.exports.contains(*name));
        match (any, lacks) {
            (Some(has), Some(lacks)) => Err(RegistrationError::HalfAnEngine { has: has.name, lacks }),
            (any, _) if any.is_some() != self.context_engine.is_some() => Err(RegistrationError::EngineUnsaid),
            _ => Ok(()),
        }
    }

    /// How its cells are kept where the operator doesn't say: a context engine has one for each session, if it bears that.
    #[must_use]
    pub fn usual_isolation(&self) -> Isolation {
        let apart = self.context_engine.is_some() && self.isolation.contains(&Borne::Session);
        if apart { Isolation::Session } else { Isolation::default() }
    }

    /// Tools are named once, and exactly if they can be called; their schemas become plain trees.
    fn expand_tools(&mut self, surface: &Surface) -> Result<(), RegistrationError> {
        match (self.tools.len(), surface.exports.contains(Tools::NAME)) {
            (0, true) => return Err(RegistrationError::NoTools),
            (some @ 1.., false) => return Err(RegistrationError::ToolsNotExported(some)),
            _ => {}
        }
        let (mut seen, mut taken) = (BTreeSet::new(), Taken::default());
        for ToolRegistration { name, parameters, .. } in &mut self.tools {
            if !seen.insert(&*name) {
                return Err(RegistrationError::ToolTwice(name.clone()));
            }
            let expanded = arguments(parameters, &mut taken);
            *parameters = expanded.map_err(|problem| RegistrationError::Parameters { tool: name.clone(), problem })?;
        }
        Ok(())
    }

    /// How it takes part in this hook, if it says.
    #[must_use]
    pub fn hook(&self, name: &str) -> Option<&HookRegistration> {
        self.hooks.iter().find(|h| h.hook == name)
    }
}

/// A schema of arguments, as a plain tree.
fn arguments(schema: &Value, taken: &mut Taken) -> Result<Value, String> {
    let expanded = schema::expand_beside(schema, taken)?;
    if expanded.get("type").and_then(Value::as_str) != Some("object") {
        return Err("its `type` isn't `object`".to_owned());
    }
    schema::compile(&expanded)?;
    Ok(expanded)
}

#[cfg(test)]
mod tests;
