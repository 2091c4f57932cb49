//! How a plugin serves as context engine.

use super::{Registration, RegistrationError};
use crate::hook::Hook;
use crate::hooks::{ContextAssemble, ContextCompact, ContextIngest};
use crate::surface::Surface;
use crate::wire::types::CauseKind;
use serde::Deserialize;

/// What a context engine has.
const ENGINE: [&str; 3] = [ContextIngest::NAME, ContextAssemble::NAME, ContextCompact::NAME];

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

impl Registration {
    /// Who exports anything of a context engine is one, whole.
    pub(super) fn is_an_engine_or_none(&self, surface: &Surface) -> Result<(), RegistrationError> {
        let any = surface.hooks().find(|hook| hook.cause == CauseKind::ContextEngine);
        let lacks = ENGINE.into_iter().find(|name| !surface.exports.contains(*name));
        match (any, lacks) {
            (Some(has), Some(lacks)) => Err(RegistrationError::HalfAnEngine { has: has.name, lacks }),
            (any, _) if any.is_some() != self.context_engine.is_some() => Err(RegistrationError::EngineUnsaid),
            _ => Ok(()),
        }
    }
}
