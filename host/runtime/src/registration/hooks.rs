//! How a plugin takes part in the hooks that it exports.

use super::{Registration, RegistrationError};
use crate::hook::Subject;
use crate::surface::Surface;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

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

impl Registration {
    pub(super) fn names_exports_once(&self, surface: &Surface) -> Result<(), RegistrationError> {
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
}
