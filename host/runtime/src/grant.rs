//! Grants: what an operator decides on. The list grows with the interfaces that need one.

use std::collections::BTreeSet;
use std::fmt;

/// Something that a plugin may do only if the operator says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grant {
    /// See messages, tool calls and transcripts.
    Conversation,
    /// Keep rows of its own. Given unless it is denied.
    State,
}

impl Grant {
    /// Every grant.
    pub const ALL: [Self; 2] = [Self::Conversation, Self::State];

    /// Its name in settings, and as the plugin is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::State => "state",
        }
    }

    /// Whether a plugin has it unless the operator denies it: nobody but the plugin itself is touched by what it does with it.
    #[must_use]
    pub const fn is_low_risk(self) -> bool {
        matches!(self, Self::State)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the operator decided. What is in neither set is undecided, or, if it is [of low risk](Grant::is_low_risk), granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Granted.
    pub granted: BTreeSet<Grant>,
    /// Denied; wins over granted.
    pub denied: BTreeSet<Grant>,
}

impl Grants {
    /// These, granted.
    #[must_use]
    pub fn granting(grants: impl IntoIterator<Item = Grant>) -> Self {
        Self { granted: grants.into_iter().collect(), denied: BTreeSet::new() }
    }

    /// Whether the grant was given.
    #[must_use]
    pub fn has(&self, grant: Grant) -> bool {
        (self.granted.contains(&grant) || grant.is_low_risk()) && !self.denied.contains(&grant)
    }

    /// Those of `asked` that nobody has decided on.
    #[must_use]
    pub fn undecided(&self, asked: &BTreeSet<Grant>) -> Vec<Grant> {
        asked.iter().copied().filter(|g| !self.has(*g) && !self.denied.contains(g)).collect()
    }
}
