//! What a plugin registers: the answer of `describe`, checked against `wit/registration.schema.json` and against the plugin's own surface.
//!
//! A surface says *that* a hook is handled; the registration only says *how*. So nothing in here can add to what a plugin does.

use crate::schema::{self, Published};
use crate::surface::Surface;
use plugbay_engine::Isolation;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use thiserror::Error;

/// The schema, as published.
static SCHEMA: Published = Published::new(include_str!("../wit/registration.schema.json"));

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
        if let Some(config) = &mut registration.config {
            *config = schema::expand(config).map_err(RegistrationError::Config)?;
            schema::compile(config).map_err(RegistrationError::Config)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str) -> Result<Registration, RegistrationError> {
        let exports = ["plugin", "before-tool-call"].map(str::to_owned).into();
        Registration::check(answer, answer, &Surface { exports, ..Surface::default() })
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let registration = check("{}").unwrap();
        assert_eq!(registration, Registration { isolation: shared_only(), ..Registration::default() });
        let said = check(r#"{"hooks":[{"hook":"before-tool-call","budget-ms":5,"tools":["a"]}],"isolation":["pool"]}"#).unwrap();
        let hook = said.hook("before-tool-call").unwrap();
        assert_eq!((hook.priority, hook.budget()), (0, Some(Duration::from_millis(5))));
        assert!(!said.isolation.contains(&Borne::Shared));
    }

    #[test]
    fn each_rule_of_the_schema_holds() {
        for answer in [
            "[]",
            r#"{"extra":1}"#,
            r#"{"hooks":[{"hook":"Before"}]}"#,
            r#"{"hooks":[{"hook":"before-tool-call","budget-ms":0}]}"#,
            r#"{"hooks":[{"hook":"before-tool-call","budget-ms":600001}]}"#,
            r#"{"hooks":[{"hook":"before-tool-call","priority":1.5}]}"#,
            r#"{"hooks":[{"hook":"before-tool-call","tools":[]}]}"#,
            r#"{"hooks":[{"hook":"before-tool-call","tools":["a*"]}]}"#,
            r#"{"isolation":[]}"#,
            r#"{"isolation":["none"]}"#,
            r#"{"config":true}"#,
        ] {
            assert!(matches!(check(answer), Err(RegistrationError::Schema(_))), "{answer}: {:?}", check(answer));
        }
    }

    #[test]
    fn it_may_name_only_what_is_exported_and_only_once() {
        let other = check(r#"{"hooks":[{"hook":"message-received"}]}"#);
        assert_eq!(other, Err(RegistrationError::NotExported("message-received".into())));
        let twice = check(r#"{"hooks":[{"hook":"before-tool-call"},{"hook":"before-tool-call","priority":1}]}"#);
        assert_eq!(twice, Err(RegistrationError::Twice("before-tool-call".into())));
    }

    #[test]
    fn answers_that_differ_are_refused_at_the_first_byte() {
        let surface = Surface::default();
        assert_eq!(Registration::check("{ }", "{}", &surface), Err(RegistrationError::Differs { at: 1 }));
        assert_eq!(Registration::check("{}", "{} ", &surface), Err(RegistrationError::Differs { at: 2 }));
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        assert!(matches!(check(r#"{"config":{"type":7}}"#), Err(RegistrationError::Config(_))));
    }
}
