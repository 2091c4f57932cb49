//! Files that plugins write and hand over. Where their bytes are kept, and how many there may be, is the gateway's.

use super::ServiceReply;

/// A file that a plugin is writing, wherever the gateway keeps it. Dropped, it is gone.
pub trait AttachmentFile: Send + Sync {
    /// Writes behind what was written: all of it, or nothing.
    fn write(&mut self, bytes: Vec<u8>) -> ServiceReply<'_, ()>;

    /// Bytes written so far.
    fn size(&self) -> u64;

    /// Itself, for the gateway that made it.
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send>;
}

/// How a caption is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CaptionFormat {
    Plain,
    Markdown,
    Html,
}

/// What is said with files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// The words.
    pub text: String,
    /// How they are to be read.
    pub format: CaptionFormat,
}

/// What was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesDelivered {
    /// The delivery's id.
    pub id: String,
    /// What each file was found to be, in order.
    pub types: Vec<String>,
}
