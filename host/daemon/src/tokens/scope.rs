//! What a caller may do: three scopes, each of which includes those before it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What a caller may do. The larger one includes the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Look.
    #[serde(rename = "operator.read")]
    Read,
    /// Look, and let agents and plugins work.
    #[serde(rename = "operator.write")]
    Write,
    /// Everything.
    #[serde(rename = "operator.admin")]
    Admin,
}

/// Text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no scope: expected operator.read, operator.write or operator.admin")]
pub struct NoScope(String);

impl Scope {
    /// All, smallest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "operator.read",
            Self::Write => "operator.write",
            Self::Admin => "operator.admin",
        }
    }

    /// Whether who has this scope may do what needs that one.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        self >= needed
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        let named = Self::ALL.into_iter().find(|scope| scope.name() == text);
        named.ok_or_else(|| NoScope(text.chars().take(80).collect()))
    }
}
