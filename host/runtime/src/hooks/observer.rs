//! Hooks that plugins are only told about: alike in all but their name, their event and what they ask for.

use super::lowered::Lowered;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode, Subject};
use crate::wire::types::CauseKind;
use serde::de::DeserializeOwned;
use std::time::Duration;
use wasmtime::component::{ComponentType, Lower};

/// A hook with [`Mode::Observe`].
pub trait Observer: Send + Sync + 'static {
    /// The interface's name.
    const NAME: &'static str;
    /// What a plugin is told as the cause.
    const CAUSE: CauseKind = CauseKind::Hook;
    /// How long one call may take.
    const BUDGET: Duration = Duration::from_secs(30);
    /// What a plugin must be granted.
    const GRANTS: &'static [Grant] = &[];
    /// What a plugin may choose among.
    const SUBJECT: Option<Subject> = None;

    /// What happened.
    type Event: DeserializeOwned + Clone + Send + Sync + Lowered<Self::Wire>;
    /// The same, as it goes to guests.
    type Wire: ComponentType + Lower + Send + Sync + 'static;

    /// What a plugin's own choice is held against.
    fn subject(_event: &Self::Event) -> Option<&str> {
        None
    }
}

impl<O: Observer> Hook for O {
    const NAME: &'static str = O::NAME;
    const MODE: Mode = Mode::Observe;
    const CAUSE: CauseKind = O::CAUSE;
    const BUDGET: Duration = O::BUDGET;
    const GRANTS: &'static [Grant] = O::GRANTS;
    const SUBJECT: Option<Subject> = O::SUBJECT;

    type Event = O::Event;
    type Wire = O::Wire;
    type Answer = ();
    type Outcome = ();

    fn lower(event: O::Event) -> O::Wire {
        event.lowered()
    }

    fn lift((): ()) -> Result<(), Malformed> {
        Ok(())
    }

    fn size((): &()) -> usize {
        0
    }

    fn subject(event: &O::Event) -> Option<&str> {
        O::subject(event)
    }
}
