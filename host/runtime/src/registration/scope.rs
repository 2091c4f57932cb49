//! Scopes: what a caller needs for what a plugin offers to people.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a caller may do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Look.
    #[serde(rename = "operator.read")]
    Read,
    /// Have things done.
    #[serde(rename = "operator.write")]
    Write,
    /// Everything.
    #[serde(rename = "operator.admin")]
    Admin,
}

impl Scope {
    /// Every scope, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Its name, as plugins and callers say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "operator.read",
            Self::Write => "operator.write",
            Self::Admin => "operator.admin",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Whether who has this one may do what takes the other.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self >= other
    }

    /// The one that all of these take together.
    pub(super) fn highest(scopes: &[Self]) -> Self {
        scopes.iter().copied().max().unwrap_or(Self::Read)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
