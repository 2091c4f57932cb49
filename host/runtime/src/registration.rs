//! What a plugin registers: the answer of `describe`, checked against `wit/registration.schema.json` and against the plugin's own surface.
//!
//! A surface says *that* a hook is handled; the registration only says *how*. So nothing in here can add to what a plugin does.

use crate::surface::Surface;
use plugbay_engine::Isolation;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;
use thiserror::Error;

/// The schema, as published.
const SCHEMA: &str = include_str!("../wit/registration.schema.json");

/// What a plugin registers.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Registration {
    /// How it takes part in its hooks.
    #[serde(default)]
    pub hooks: Vec<HookRegistration>,
    /// How its code may be kept.
    #[serde(default = "shared_only")]
    pub isolation: BTreeSet<Borne>,
    /// The JSON Schema of its settings.
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
}

impl HookRegistration {
    /// The budget that the plugin asks for.
    #[must_use]
    pub fn budget(&self) -> Option<Duration> {
        self.budget_ms.map(Duration::from_millis)
    }
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
    /// Its schema for the settings is none.
    #[error("its `config` is no JSON Schema: {0}")]
    Config(String),
    /// The published schema itself can't be used: a defect of the host.
    #[error("the host's own schema: {0}")]
    Host(String),
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
        let problems: Vec<String> = validator()?
            .iter_errors(&value)
            .take(8)
            .map(|e| format!("at `{}`: {e}", e.instance_path()).chars().take(500).collect())
            .collect();
        if !problems.is_empty() {
            return Err(RegistrationError::Schema(problems.join("; ")));
        }
        let registration: Self = serde_json::from_value(value).map_err(|e| RegistrationError::Schema(e.to_string()))?;
        registration.names_exports_once(surface)?;
        if let Some(config) = &registration.config {
            jsonschema::draft202012::new(config).map_err(|e| RegistrationError::Config(e.to_string()))?;
        }
        Ok(registration)
    }

    fn names_exports_once(&self, surface: &Surface) -> Result<(), RegistrationError> {
        let mut seen = BTreeSet::new();
        for HookRegistration { hook, .. } in &self.hooks {
            if !surface.hooks().any(|h| h.name == hook) {
                return Err(RegistrationError::NotExported(hook.clone()));
            }
            if !seen.insert(hook) {
                return Err(RegistrationError::Twice(hook.clone()));
            }
        }
        Ok(())
    }

    /// How it takes part in this hook, if it says.
    #[must_use]
    pub fn hook(&self, name: &str) -> Option<&HookRegistration> {
        self.hooks.iter().find(|h| h.hook == name)
    }
}

/// The published schema, compiled once.
fn validator() -> Result<&'static jsonschema::Validator, RegistrationError> {
    static VALIDATOR: OnceLock<Result<jsonschema::Validator, String>> = OnceLock::new();
    let compiled = VALIDATOR.get_or_init(|| {
        let schema: Value = serde_json::from_str(SCHEMA).map_err(|e| e.to_string())?;
        jsonschema::draft202012::new(&schema).map_err(|e| e.to_string())
    });
    compiled.as_ref().map_err(|e| RegistrationError::Host(e.clone()))
}
