//! Where files go that plugins hand over, and what is handed over: the trait that an embedder's channel implements.

use plugbay_runtime::CaptionFormat;
use std::any::Any;
use std::pin::Pin;
use thiserror::Error;

/// What an outbox answers.
pub type OutboxReply<'a, T> = Pin<Box<dyn Future<Output = Result<T, OutboxError>> + Send + 'a>>;

/// Why an outbox has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutboxError {
    /// There is no room.
    #[error("there is no room for it: {0}")]
    Full(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Where files go that plugins hand over. [`FolderOutbox`](super::FolderOutbox) keeps them in a folder; a channel of its own sends them on.
pub trait Outbox: Send + Sync + 'static {
    /// A file that is about to be written.
    fn draft(&self) -> OutboxReply<'_, Box<dyn Draft>>;

    /// Takes a delivery: all of it, or nothing. It is listed behind this; one that isn't listed in the end is [discarded](Outbox::discard).
    fn put(&self, parcel: Parcel) -> OutboxReply<'_, ()>;

    /// A file of a delivery. None: it isn't kept.
    fn read<'a>(&'a self, delivery: &'a str, file: usize) -> OutboxReply<'a, Option<std::fs::File>>;

    /// A delivery isn't listed, or not any more: whatever is kept of it goes.
    fn discard<'a>(&'a self, delivery: &'a str) -> OutboxReply<'a, ()>;

    /// The deliveries of which something is kept, when the host starts.
    fn kept(&self) -> OutboxReply<'_, Vec<String>>;
}

/// A file that is being written. Dropped before it is handed over, nothing is left of it.
pub trait Draft: Send + Sync {
    /// Writes behind what was written.
    fn write(&mut self, bytes: Vec<u8>) -> OutboxReply<'_, ()>;

    /// Itself, for the outbox that made it.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// What is handed over: files, words, or both.
pub struct Parcel {
    /// Its id.
    pub id: String,
    /// The key of the session whose people it is for.
    pub session: String,
    /// The plugin that hands it over, or has the agent speak.
    pub plugin: String,
    /// The run in which it is handed over.
    pub run: Option<String>,
    /// What is said.
    pub caption: Option<(String, CaptionFormat)>,
    /// The files.
    pub files: Vec<Packed>,
}

/// A file that is handed over.
pub struct Packed {
    /// Its name, without a path.
    pub name: String,
    /// What it is.
    pub content_type: String,
    /// Its bytes.
    pub bytes: u64,
    /// The file.
    pub draft: Box<dyn Draft>,
}
