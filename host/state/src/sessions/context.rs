//! What an engine and a model are told of a life, as it goes in and comes out: plain data, checked by the rules and nowhere here.

/// Where an engine's cursor is.
#[derive(Debug, Clone, Copy)]
pub struct EngineSpot<'a> {
    /// The engine: a plugin's id.
    pub engine: &'a str,
    /// The session.
    pub session: &'a str,
    /// The life of it.
    pub life: &'a str,
}

/// How far an engine is with a life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// It has the first so many entries of the life.
    pub entries: u64,
    /// The key of a turn that it may not have been told of.
    pub untold: Option<String>,
}

/// An engine that is to hear of a turn, and may not have.
#[derive(Debug, Clone, Copy)]
pub struct Untold<'a> {
    /// The engine: a plugin's id.
    pub engine: &'a str,
    /// Whether one that has never seen the life is at its beginning. Otherwise it takes over what it finds one day, and this turn is a part of that.
    pub from_the_start: bool,
}

/// A summary to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCompaction {
    /// The first so many entries of the life are in it.
    pub entries: u64,
    /// What stands for them. Any text that isn't blank.
    pub summary: String,
    /// Tokens of the conversation without it, by the words of who summarised.
    pub tokens_before: u64,
    /// Tokens of the conversation with it.
    pub tokens_after: u64,
}

/// A summary of a life's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compaction {
    /// The first so many entries of the life are in it.
    pub entries: u64,
    /// What stands for them.
    pub summary: String,
    /// Tokens of the conversation without it, by the words of who summarised.
    pub tokens_before: u64,
    /// Tokens of the conversation with it.
    pub tokens_after: u64,
    /// When it was written, in milliseconds since 1970. Never earlier than what of the session was written before.
    pub at: u64,
}
