//! Files for the people of a session.
//!
//! ```
//! use plugbay_sdk::attachments::{self, Attachment, Caption};
//! use plugbay_sdk::sessions;
//! use std::io::Write;
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! let session = sessions::fake::session("chat"); // in a hook: `call.session()?`
//! let mut report = Attachment::with_type("report.md", "text/markdown")?;
//! report.push("# Today\n")?;
//! writeln!(report, "{} deploys", 3)?;
//! let delivered = attachments::send(&session, [report], Caption::plain("What was deployed."))?;
//! assert_eq!(delivered.types, ["text/markdown"]);
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: reports, exports, pictures. A file is written piece by piece into a place of the host's, and handed over with others into the session's outbox: all of them, or none. What was
//! answered is kept, also over a host that is killed. One that is dropped before it is gone, and so it is when its cell ends. What it costs: a call of the host for each piece; where pieces are small, put a
//! `std::io::BufWriter` around a `&mut Attachment`. It needs the grant `attachments`. How it fails: by an [`AttachmentsError`]. Bounds: 10 files that aren't handed over yet, with 25 MiB together;
//! a caption of 1 to 4,096 characters.
//!
//! Natively (in an author's tests) what was handed over is kept for [`fake::delivered`].

#[cfg(not(target_family = "wasm"))]
pub mod fake;
#[cfg(test)]
mod tests;

use crate::Session;
use crate::bindings::imports::plugbay::plugin::attachments as contract;
use crate::refusal::refusals;
use std::io;
#[cfg(target_family = "wasm")]
use {contract as host, contract::File};
#[cfg(not(target_family = "wasm"))]
use {fake as host, fake::File};

/// What is said with files: `text`, and how it is to be read; how that may be; what was delivered: the delivery's `id`, and `types`, what each file was found to be.
pub use contract::{Caption, CaptionFormat, Delivered};

/// How much of a file is handed to the host at once.
const PIECE: usize = 1 << 20;

refusals! {
    /// Why an operation has no answer.
    AttachmentsError of contract, for "attachments" {
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// The session was deleted.
        Gone = "gone",
        /// More files, or more bytes, than one delivery may have. The message says how many.
        LimitExceeded = "limit-exceeded",
        /// The host has no room for it.
        Full = "full",
        /// The host's state, or its folder, can't be read or written. Nothing was delivered.
        Failed = "failed",
        /// The operator denied the grant `attachments`.
        Denied = "denied",
        /// The plugin isn't live yet: it delivers nothing in `activate`, `restore` or a projection.
        NotLive = "not-live",
    }
}

/// A file that is being written.
#[derive(Debug)]
#[must_use = "what isn't sent is gone"]
pub struct Attachment(File);

impl Attachment {
    /// Begins a file, whose type the host finds out. A name has 1 to 255 bytes, without the space around it, slashes and control characters, and isn't `.` or `..`.
    ///
    /// # Errors
    ///
    /// [`AttachmentsError`].
    pub fn new(name: &str) -> Result<Self, AttachmentsError> {
        host::create(name, None).map(Self).map_err(AttachmentsError::of("create"))
    }

    /// The same with a type, as in `text/markdown`, which has to be what the bytes turn out to be: a file for which it can't be is refused by [`send`].
    ///
    /// # Errors
    ///
    /// [`AttachmentsError`].
    pub fn with_type(name: &str, content_type: &str) -> Result<Self, AttachmentsError> {
        host::create(name, Some(content_type)).map(Self).map_err(AttachmentsError::of("create"))
    }

    /// Writes behind what was written.
    ///
    /// # Errors
    ///
    /// [`AttachmentsError`]; nothing of it was written then, or whole MiB of what is larger than one.
    pub fn push(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), AttachmentsError> {
        bytes.as_ref().chunks(PIECE).try_for_each(|piece| self.0.write(piece)).map_err(AttachmentsError::of("write"))
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.size()
    }
}

/// An error has the [`AttachmentsError`] in it.
impl io::Write for Attachment {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        self.push(piece).map_err(io::Error::other)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Caption {
    /// Words as they stand: 1 to 4,096 characters.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), format: CaptionFormat::Plain }
    }

    /// Words in Markdown.
    pub fn markdown(text: impl Into<String>) -> Self {
        Self { text: text.into(), format: CaptionFormat::Markdown }
    }

    /// Words in HTML; a channel that shows none shows its text.
    pub fn html(text: impl Into<String>) -> Self {
        Self { text: text.into(), format: CaptionFormat::Html }
    }
}

/// Hands 1 to 10 files over into a session's outbox, with a [`Caption`] or `None`: all of them, or none.
///
/// # Errors
///
/// [`AttachmentsError`]; nothing was delivered then, and the files are gone.
pub fn send(
    session: &Session<'_>,
    files: impl IntoIterator<Item = Attachment>,
    caption: impl Into<Option<Caption>>,
) -> Result<Delivered, AttachmentsError> {
    let files = files.into_iter().map(|file| file.0).collect();
    host::send(session.handle(), files, caption.into().as_ref(), &[]).map_err(AttachmentsError::of("send"))
}
