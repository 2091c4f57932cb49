//! What a context engine may want to know besides: `context-bootstrap`, `context-turn`, `context-maintain`, `context-spawn`, `context-spawn-end`, `context-dispose`.

use super::answer::{Attrs, REASON, Weighed, attrs, weighed, within};
use super::context::engine;
use super::lowered::{cases, event};
use crate::hook::{Hook, Malformed};
use crate::wire::exports::plugbay::plugin as wire;
use serde::Serialize;

/// Bytes of a ticket.
const TICKET: usize = 4_096;

/// `context-bootstrap`: a context engine sees a conversation for the first time.
#[derive(Debug, Clone, Copy)]
pub struct ContextBootstrap;

event! {
    /// A conversation that is new to the engine.
    Bootstrapping => wire::context_bootstrap::Event {
        /// Entries that it has already.
        entries: u64,
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bootstrapped {
    /// How many the engine took over.
    pub entries: u64,
    /// Why not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::facts::serialize")]
    pub attrs: Attrs,
}

weighed!(wire::context_bootstrap::Bootstrapped { why, attrs });

impl Hook for ContextBootstrap {
    const NAME: &'static str = "context-bootstrap";

    engine!(Bootstrapping => wire::context_bootstrap::Bootstrapped as Bootstrapped, context_bootstrap, 30);

    fn lift(answer: Self::Answer) -> Result<Bootstrapped, Malformed> {
        let why = answer.why.map(|why| within("why", why, REASON)).transpose()?;
        Ok(Bootstrapped { entries: answer.entries, why, attrs: attrs(answer.attrs)? })
    }

    fn size(answer: &Self::Answer) -> usize {
        answer.bytes()
    }
}

/// `context-turn`: a context engine is told that a turn is done.
#[derive(Debug, Clone, Copy)]
pub struct ContextTurn;

event! {
    /// A turn that is done.
    TurnDone => wire::context_turn::Event {
        /// Names the turn, however often it is told.
        turn_key: String,
        /// Whether it was a heartbeat's.
        heartbeat: bool,
        /// Tokens that the model takes of the conversation.
        budget: u64,
        /// Tokens that the conversation took when it was last assembled.
        tokens: u64,
    }
}

cases! {
    /// What became of a turn.
    #[derive(Default)]
    TurnRecord = wire::context_turn::TurnRecord {
        /// It is new, and kept.
        #[default]
        Committed,
        /// A turn with this key was kept before.
        Duplicate,
    }
}

impl Hook for ContextTurn {
    const NAME: &'static str = "context-turn";

    engine!(TurnDone => wire::context_turn::TurnRecord as TurnRecord, context_turn, 30);

    fn lift(answer: Self::Answer) -> Result<TurnRecord, Malformed> {
        Ok(answer.into())
    }

    fn size(_answer: &Self::Answer) -> usize {
        0
    }
}

/// `context-maintain`: a context engine tidies up.
#[derive(Debug, Clone, Copy)]
pub struct ContextMaintain;

cases! {
    /// When a context engine tidies up.
    Moment = wire::context_maintain::Moment {
        /// A turn begins, and waits.
        Opening,
        /// A turn is over.
        Closing,
    }
}

event! {
    /// An occasion.
    Maintaining => wire::context_maintain::Event {
        /// When.
        moment: Moment,
    }
}

/// A call of an engine that is only told something.
macro_rules! told {
    () => {
        fn lift((): ()) -> Result<(), Malformed> {
            Ok(())
        }

        fn size((): &()) -> usize {
            0
        }
    };
}

impl Hook for ContextMaintain {
    const NAME: &'static str = "context-maintain";

    engine!(Maintaining => () as (), context_maintain, 180);
    told!();
}

/// `context-spawn`: a context engine is asked before a subagent starts.
#[derive(Debug, Clone, Copy)]
pub struct ContextSpawn;

event! {
    /// A subagent that is about to start. The call's session is the one that it works for.
    Spawning => wire::context_spawn::Event {
        /// The session that it gets.
        child_key: String,
    }
}

/// What an engine has prepared for a subagent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpawnPrepared {
    /// What it wants back when the subagent ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::facts::serialize")]
    pub attrs: Attrs,
}

weighed!(wire::context_spawn::Prepared { ticket, attrs });

impl Hook for ContextSpawn {
    const NAME: &'static str = "context-spawn";

    engine!(Spawning => wire::context_spawn::Prepared as SpawnPrepared, context_spawn, 30);

    fn lift(answer: Self::Answer) -> Result<SpawnPrepared, Malformed> {
        if let Some(bytes) = answer.ticket.as_ref().map(String::len).filter(|bytes| *bytes > TICKET) {
            return Err(Malformed::new("ticket", format!("{bytes} bytes, {TICKET} allowed")));
        }
        Ok(SpawnPrepared { ticket: answer.ticket, attrs: attrs(answer.attrs)? })
    }

    fn size(answer: &Self::Answer) -> usize {
        answer.bytes()
    }
}

/// `context-spawn-end`: a context engine learns that a subagent is over.
#[derive(Debug, Clone, Copy)]
pub struct ContextSpawnEnd;

cases! {
    /// How a subagent that an engine has prepared for ended.
    SpawnFate = wire::context_spawn_end::End {
        /// It never started.
        RolledBack,
        /// Its session was deleted by the plugin that it belongs to.
        Deleted,
        /// Its session was deleted by somebody else.
        Swept,
        /// The session that it worked for has ended.
        Released,
    }
}

event! {
    /// A subagent that is over.
    SpawnEnded => wire::context_spawn_end::Event {
        /// Its session.
        child_key: String,
        /// What the engine wanted back.
        ticket: Option<String>,
        /// How it ended.
        end: SpawnFate,
    }
}

impl Hook for ContextSpawnEnd {
    const NAME: &'static str = "context-spawn-end";

    engine!(SpawnEnded => () as (), context_spawn_end, 30);
    told!();
}

/// `context-dispose`: a context engine is done with a turn.
#[derive(Debug, Clone, Copy)]
pub struct ContextDispose;

event! {
    /// The end of an engine's part in a turn, or in a compaction that a person asked for.
    Disposing => wire::context_dispose::Event {}
}

impl Hook for ContextDispose {
    const NAME: &'static str = "context-dispose";

    engine!(Disposing => () as (), context_dispose, 10);
    told!();
}
