//! Grants: what an operator decides on. The list grows with the interfaces that need one.

use std::collections::BTreeSet;
use std::fmt;

/// Something that a plugin may do only if the operator says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grant {
    /// See messages, tool calls and transcripts.
    Conversation,
    /// Keep rows of its own, and state of sessions. Given unless it is denied.
    State,
    /// Emit agent events of its own. Given unless it is denied.
    Events,
    /// Change what agents are told and what is written into conversations.
    Prompt,
    /// Decide on tool calls before anybody else, and on what is installed.
    Policy,
    /// Have agents work for it, in sessions of its own.
    Subagents,
    /// Ask the host's model.
    Model,
    /// Wake agents, and itself, later.
    Schedule,
    /// Hand files to the people of a session.
    Attachments,
}

impl Grant {
    /// Every grant.
    pub const ALL: [Self; 9] = [
        Self::Conversation,
        Self::State,
        Self::Events,
        Self::Prompt,
        Self::Policy,
        Self::Subagents,
        Self::Model,
        Self::Schedule,
        Self::Attachments,
    ];

    /// Its name in settings, and as the plugin is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::State => "state",
            Self::Events => "events",
            Self::Prompt => "prompt",
            Self::Policy => "policy",
            Self::Subagents => "subagents",
            Self::Model => "model",
            Self::Schedule => "schedule",
            Self::Attachments => "attachments",
        }
    }

    /// Whether a plugin has it unless the operator denies it: nobody but the plugin itself is touched by what it does with it.
    #[must_use]
    pub const fn is_low_risk(self) -> bool {
        matches!(self, Self::State | Self::Events)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_touches_nobody_else_is_given_unless_it_is_denied() {
        let asked: BTreeSet<Grant> = Grant::ALL.into();
        assert_eq!(
            Grants::default().undecided(&asked),
            [Grant::Conversation, Grant::Prompt, Grant::Policy, Grant::Subagents, Grant::Model, Grant::Schedule, Grant::Attachments]
        );
        let denied = Grants { granted: asked.clone(), denied: asked.clone() };
        assert!(asked.iter().all(|grant| Grants::granting(asked.clone()).has(*grant) && !denied.has(*grant)));
        assert_eq!(denied.undecided(&asked), []);
    }

    #[test]
    fn each_has_a_name_of_its_own() {
        let names = ["conversation", "state", "events", "prompt", "policy", "subagents", "model", "schedule", "attachments"];
        assert_eq!(Grant::ALL.map(Grant::name), names);
    }
}
