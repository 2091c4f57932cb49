//! Kinds of isolation that a plugin's code bears.

use plugbay_engine::Isolation;
use serde::Deserialize;

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
