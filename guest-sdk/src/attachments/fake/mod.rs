//! What stands in for sessions' outboxes in an author's own tests.
//!
//! What it is for: a test looks at what its plugin delivered. What it costs: the bytes, in memory. How it fails: as the host does, with the same bounds. Of a file's type a few kinds
//! are known by their bytes, and the rest is what was said of it. Not here: grants, `not-live`, `full`. Nothing outlives the thread, which in `cargo test` is one test's.

mod kind;

use super::contract::{Caption, Delivered, Error, ErrorCode};
use crate::sessions;
use std::cell::RefCell;

/// Bytes of all files that aren't handed over yet.
const MOST_BYTES: usize = 25 << 20;

/// What was handed over at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The session's key.
    pub session: String,
    /// The files, in order.
    pub files: Vec<DeliveredFile>,
    /// What was said with them.
    pub caption: Option<Caption>,
}

/// A file that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredFile {
    /// Its name.
    pub name: String,
    /// The type that the plugin said.
    pub content_type: Option<String>,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl DeliveredFile {
    /// What is in it, if that is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// All that there is.
#[derive(Default)]
struct Outbox {
    delivered: Vec<Delivery>,
    /// How many deliveries there ever were.
    made: u64,
    /// Files that aren't handed over yet, and their bytes.
    open: usize,
    bytes: usize,
}

thread_local! {
    static OUTBOX: RefCell<Outbox> = RefCell::default();
}

/// What was handed over since this was last asked, in order.
#[must_use]
pub fn delivered() -> Vec<Delivery> {
    OUTBOX.with_borrow_mut(|outbox| std::mem::take(&mut outbox.delivered))
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct File {
    name: String,
    content_type: Option<String>,
    bytes: RefCell<Vec<u8>>,
}

fn refused<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Error> {
    Err(Error { code, message: message.into() })
}

fn too_many<T>(what: &str, wanted: usize, allowed: usize) -> Result<T, Error> {
    refused(ErrorCode::LimitExceeded, format!("{what}: {wanted} wanted, {allowed} allowed"))
}

impl File {
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        OUTBOX.with_borrow_mut(|outbox| match outbox.bytes + bytes.len() {
            wanted if wanted > MOST_BYTES => too_many("bytes of the plugin's files", wanted, MOST_BYTES),
            wanted => {
                outbox.bytes = wanted;
                self.bytes.borrow_mut().extend_from_slice(bytes);
                Ok(())
            }
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.bytes.borrow().len() as u64
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A thread that ends may have dropped its outbox before.
        let _ = OUTBOX.try_with(|outbox| {
            let mut outbox = outbox.borrow_mut();
            outbox.open -= 1;
            outbox.bytes -= self.bytes.get_mut().len();
        });
    }
}

/// A file's name, without the space around it.
fn file_name(name: &str) -> Result<String, Error> {
    let no = |why: String| refused(ErrorCode::InvalidInput, why);
    match name.trim() {
        "" => no("the name is blank".to_owned()),
        name if name.len() > 255 => no(format!("the name has {} bytes, 255 allowed", name.len())),
        name if name.contains(['/', '\\']) || name == "." || name == ".." => no(format!("{name:?} is a path: expected a name")),
        name if name.contains(char::is_control) => no("the name has control characters".to_owned()),
        name => Ok(name.to_owned()),
    }
}

pub(super) fn create(name: &str, content_type: Option<&str>) -> Result<File, Error> {
    let name = file_name(name)?;
    OUTBOX.with_borrow_mut(|outbox| {
        if outbox.open >= 10 {
            return too_many("files of the plugin", 11, 10);
        }
        outbox.open += 1;
        Ok(File { name, content_type: content_type.map(str::to_owned), bytes: RefCell::default() })
    })
}

pub(super) fn send(session: &str, files: Vec<File>, caption: Option<&Caption>, _: &[(String, String)]) -> Result<Delivered, Error> {
    if sessions::fake::id(session).is_err() {
        return refused(ErrorCode::Gone, format!("the session {session:?} was deleted"));
    }
    match caption.map(|caption| caption.text.chars().count()) {
        Some(0) => return refused(ErrorCode::InvalidInput, "the caption is empty"),
        Some(more) if more > 4_096 => {
            return refused(ErrorCode::InvalidInput, format!("the caption has {more} characters, 4096 allowed"));
        }
        _ => {}
    }
    if !(1..=10).contains(&files.len()) {
        return refused(ErrorCode::InvalidInput, format!("{} files: expected 1 to 10", files.len()));
    }
    let types = files.iter().map(found).collect::<Result<_, _>>()?;
    let files = files.iter().map(handed_over).collect();
    OUTBOX.with_borrow_mut(|outbox| {
        outbox.made += 1;
        outbox.delivered.push(Delivery { session: session.to_owned(), files, caption: caption.cloned() });
        Ok(Delivered { id: format!("delivery-{}", outbox.made), types })
    })
}

fn handed_over(file: &File) -> DeliveredFile {
    DeliveredFile { name: file.name.clone(), content_type: file.content_type.clone(), bytes: file.bytes.borrow().clone() }
}

fn found(File { name, content_type, bytes }: &File) -> Result<String, Error> {
    let claimed = content_type.as_deref();
    kind::found(&bytes.borrow(), claimed).or_else(|seen| {
        let claimed = claimed.unwrap_or_default();
        refused(ErrorCode::InvalidInput, format!("{name:?} is said to be `{claimed}` and is `{seen}`"))
    })
}
