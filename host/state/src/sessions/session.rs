//! What a session is made of, as it goes in and comes out: plain data, checked by the rules and nowhere here.

/// A session, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its stable name.
    pub key: String,
    /// The name of its present life.
    pub id: String,
    /// When the session began, in milliseconds since 1970.
    pub created_at: u64,
    /// When its present life began.
    pub began_at: u64,
    /// When something of it was last written.
    pub updated_at: u64,
    /// Entries of its present life.
    pub entries: u64,
    /// What plugins show of their state there.
    pub shown: Vec<Shown>,
}

/// What a plugin shows of its state of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The plugin.
    pub plugin: String,
    /// The namespace.
    pub namespace: String,
    /// JSON.
    pub value: String,
}

/// A session that was looked up, and whether it has just been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// The session.
    pub session: SessionRow,
    /// Whether there was none before.
    pub is_new: bool,
}

/// An entry to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// JSON: what was said.
    pub content: String,
    /// For an answer of a tool: the call that it answers.
    pub tool_call_id: Option<String>,
    /// The run that wrote it.
    pub run: Option<String>,
    /// JSON of the host's own about the entry: tool calls of a model, who blocked it. Guests don't see it.
    pub meta: Option<String>,
}

/// An entry of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its number.
    pub id: u64,
    /// The life of the session that it belongs to.
    pub life: String,
    /// When it was written, in milliseconds since 1970. Never earlier than the entry before.
    pub at: u64,
    /// What was written.
    pub entry: NewEntry,
}

/// Which entries of one life, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// From this position (0 is the oldest), so many at most.
    From {
        /// The first.
        start: u64,
        /// How many.
        count: usize,
    },
    /// The newest so many.
    Newest(usize),
}

/// Where a plugin's state of a session is.
#[derive(Debug, Clone, Copy)]
pub struct StateSpot<'a> {
    /// The session.
    pub session: &'a str,
    /// The life of it.
    pub life: &'a str,
    /// The plugin.
    pub plugin: &'a str,
    /// The namespace.
    pub namespace: &'a str,
}
