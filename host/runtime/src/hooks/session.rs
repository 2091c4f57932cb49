//! Sessions and those that work for them: `session-start`, `session-end`, `before-reset`, `before-compaction`, `after-compaction`, `session-projection`,
//! `subagent-spawned`, `subagent-ended`.

use super::answer::{Weighed, json};
use super::lowered::{Lowered, cases, event};
use super::observer::Observer;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::json::Json;
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types::CauseKind;
use serde::Serialize;
use std::time::Duration;

/// `session-start`: observes the beginning of each life of a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionStart;

event! {
    /// A life of a session that begins.
    SessionBegan => wire::session_start::Event {
        /// The id of the life before, after a reset.
        previous: Option<String>,
    }
}

impl Observer for SessionStart {
    const NAME: &'static str = "session-start";

    type Event = SessionBegan;
    type Wire = wire::session_start::Event;
}

/// `session-end`: observes the end of each life of a session, and that the host stops while a session is in use.
#[derive(Debug, Clone, Copy)]
pub struct SessionEnd;

event! {
    /// A life of a session that ends.
    SessionEnded => wire::session_end::Event {
        /// Why.
        reason: SessionEndReason,
        /// Messages that it has.
        messages: u64,
        /// How long it was, from its first moment.
        duration_ms: u64,
        /// The id of the life that follows.
        next: Option<String>,
    }
}

cases! {
    /// Why a life of a session ends.
    SessionEndReason = wire::session_end::Reason {
        /// Another life begins.
        Reset,
        /// The session was deleted.
        Delete,
        /// The host stops; the session goes on when it is back.
        Shutdown,
    }
}

impl Observer for SessionEnd {
    const NAME: &'static str = "session-end";

    type Event = SessionEnded;
    type Wire = wire::session_end::Event;
}

/// `before-reset`: observes that a session is about to begin another life.
#[derive(Debug, Clone, Copy)]
pub struct BeforeReset;

event! {
    /// A session that is about to be reset.
    Resetting => wire::before_reset::Event {
        /// Messages of the life that ends.
        messages: u64,
    }
}

impl Observer for BeforeReset {
    const NAME: &'static str = "before-reset";

    type Event = Resetting;
    type Wire = wire::before_reset::Event;
}

/// `before-compaction`: observes that a conversation is about to be compacted.
#[derive(Debug, Clone, Copy)]
pub struct BeforeCompaction;

event! {
    /// A conversation that is about to be compacted.
    Compacting => wire::before_compaction::Event {
        /// Messages that it has.
        messages: u64,
        /// Tokens that they take, as estimated.
        tokens: u64,
        /// Whether a person asked for it.
        forced: bool,
    }
}

impl Observer for BeforeCompaction {
    const NAME: &'static str = "before-compaction";

    type Event = Compacting;
    type Wire = wire::before_compaction::Event;
}

/// `after-compaction`: observes that a conversation was compacted.
#[derive(Debug, Clone, Copy)]
pub struct AfterCompaction;

event! {
    /// A conversation that was compacted.
    Compacted => wire::after_compaction::Event {
        /// Tokens before, as estimated.
        tokens_before: u64,
        /// Tokens after, as estimated.
        tokens_after: u64,
        /// Messages that a summary stands for now.
        summarised: u64,
    }
}

impl Observer for AfterCompaction {
    const NAME: &'static str = "after-compaction";

    type Event = Compacted;
    type Wire = wire::after_compaction::Event;
}

/// `session-projection`: makes what is shown of a plugin's state of a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionProjection;

event! {
    /// A state.
    Projecting => wire::session_projection::Event {
        /// The namespace.
        namespace: String,
        /// The plugin's state there.
        state: Json,
    }
}

/// What is shown of a state. `None`: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Projected(pub Option<Json>);

impl Hook for SessionProjection {
    const NAME: &'static str = "session-projection";
    const MODE: Mode = Mode::Direct;
    const CAUSE: CauseKind = CauseKind::Projection;
    const BUDGET: Duration = Duration::from_secs(1);
    const GRANTS: &'static [Grant] = &[];

    type Event = Projecting;
    type Wire = wire::session_projection::Event;
    type Answer = Option<String>;
    type Outcome = Projected;

    fn lower(event: Projecting) -> wire::session_projection::Event {
        event.lowered()
    }

    fn lift(answer: Option<String>) -> Result<Projected, Malformed> {
        Ok(Projected(answer.map(|text| json("the answer", text)).transpose()?))
    }

    fn size(answer: &Option<String>) -> usize {
        answer.bytes()
    }
}

/// `subagent-spawned`: observes that a subagent has started.
#[derive(Debug, Clone, Copy)]
pub struct SubagentSpawned;

event! {
    /// A subagent that has started. The call's session is the one that it works for.
    Spawned => wire::subagent_spawned::Event {
        /// The subagent's session.
        child_key: String,
        /// Its run.
        child_run: String,
    }
}

impl Observer for SubagentSpawned {
    const NAME: &'static str = "subagent-spawned";

    type Event = Spawned;
    type Wire = wire::subagent_spawned::Event;
}

/// `subagent-ended`: observes that a subagent has ended.
#[derive(Debug, Clone, Copy)]
pub struct SubagentEnded;

event! {
    /// A subagent that has ended. The call's session is the one that it works for.
    SubagentEnd => wire::subagent_ended::Event {
        /// The subagent's session.
        child_key: String,
        /// Its run.
        child_run: String,
        /// How it ended.
        end: SubagentFate,
        /// Why, if it failed.
        error: Option<String>,
    }
}

cases! {
    /// How a subagent ended.
    SubagentFate = wire::subagent_ended::End {
        /// It came to its end.
        Done,
        /// It failed.
        Failed,
        /// It took too long.
        TimedOut,
        /// It was stopped.
        Killed,
        /// Its session was reset.
        Reset,
        /// Its session was deleted.
        Deleted,
    }
}

impl Observer for SubagentEnded {
    const NAME: &'static str = "subagent-ended";

    type Event = SubagentEnd;
    type Wire = wire::subagent_ended::Event;
}
