//! Where a plugin stands, and what its callers are told where that isn't in service.

use crate::id::PluginId;
use plugbay_engine::{CallError, Unserved};
use std::fmt;

/// Where a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It serves.
    Active,
    /// The operator switched it off.
    Disabled,
    /// It asks for something that the operator hasn't decided on, or would orphan timers of the plugin.
    Held,
    /// Its file is gone. Nothing of it is deleted.
    Missing,
    /// It was refused on its way to publication, and there is nothing that could serve in its place.
    Failed,
    /// It faulted too often. An operator resets it, or a new version comes.
    Quarantined,
}

impl Standing {
    /// Its name in listings and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Held => "held",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a plugin stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) standing: Standing,
    pub(crate) why: String,
}

impl Stand {
    pub(crate) const ACTIVE: Self = Self { standing: Standing::Active, why: String::new() };

    pub(crate) fn new(standing: Standing, why: impl Into<String>) -> Self {
        Self { standing, why: why.into() }
    }

    /// The error of a call that nobody serves.
    pub(crate) fn closed(&self, plugin: &PluginId) -> CallError {
        let why = if self.why.is_empty() { format!("plugin `{plugin}` doesn't serve") } else { format!("plugin `{plugin}`: {}", self.why) };
        Unserved::Closed { code: self.standing.name(), why }.into()
    }
}
