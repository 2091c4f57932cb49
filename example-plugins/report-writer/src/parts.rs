//! Files of a bounded size, handed over ten at a time.
//!
//! What it is for: a report of any length is delivered. A file has 2 MiB or so, a delivery ten files and less than 25 MiB; what is more goes into further files, and further deliveries. Each file is whole in itself.
//! What it costs: one file in memory, and those of one delivery with the host. How it fails: by the host's refusal; what was delivered before stays delivered, and the error says how much that is.

use crate::sheet::{self, Cover, Format, Piece};
use plugbay_sdk::attachments::{AttachmentsError, Caption};
use plugbay_sdk::prelude::*;

/// Bytes after which a new file begins.
const FILE: usize = 2 << 20;
/// Files of one delivery.
const FILES: usize = 10;
/// Bytes of one delivery.
const DELIVERY: u64 = 24 << 20;

/// A report that is being written.
pub(crate) struct Parts<'a> {
    session: &'a Session<'a>,
    format: Format,
    cover: Cover,
    /// The files' name, without number and ending.
    name: String,
    text: String,
    /// Whether the text has more than a beginning.
    begun: bool,
    /// The file that is being written, from 1.
    number: usize,
    files: Vec<Attachment>,
    sent: Sent,
}

/// What was delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Names of the files.
    pub(crate) files: Vec<String>,
    /// Ids of the deliveries.
    pub(crate) deliveries: Vec<String>,
}

/// Why a report isn't delivered, or not all of it.
#[derive(Debug)]
pub(crate) struct Undelivered {
    pub(crate) why: AttachmentsError,
    /// What was delivered before.
    pub(crate) before: usize,
}

impl Undelivered {
    /// In words.
    pub(crate) fn words(&self) -> String {
        match self.before {
            0 => format!("nothing was delivered: {}", self.why),
            n => format!("only the first {n} files were delivered: {}", self.why),
        }
    }
}

impl<'a> Parts<'a> {
    pub(crate) fn new(session: &'a Session<'a>, format: Format, name: String, cover: Cover) -> Self {
        let text = sheet::head(format, &cover, 1);
        Self { session, format, cover, name, text, begun: false, number: 1, files: Vec::new(), sent: Sent::default() }
    }

    /// Writes a piece.
    pub(crate) fn piece(&mut self, piece: &Piece) -> Result<(), Undelivered> {
        let text = sheet::piece(self.format, piece);
        if self.begun && self.text.len() + text.len() > FILE {
            self.close(false)?;
        }
        self.text.push_str(&text);
        self.begun = true;
        Ok(())
    }

    /// Hands over what isn't handed over yet.
    pub(crate) fn finish(mut self) -> Result<Sent, Undelivered> {
        self.close(true)?;
        self.send()?;
        Ok(self.sent)
    }

    /// Ends the file that is being written. The only one of a report needs no number.
    fn close(&mut self, last: bool) -> Result<(), Undelivered> {
        self.text.push_str(sheet::foot(self.format));
        let bytes = self.files.iter().map(Attachment::size).sum::<u64>() + self.text.len() as u64;
        if self.files.len() == FILES || (bytes > DELIVERY && !self.files.is_empty()) {
            self.send()?;
        }
        let number = if last && self.number == 1 { String::new() } else { format!("-{:02}", self.number) };
        let name = format!("{}{number}.{}", self.name, self.format.ending());
        self.write(&name).map_err(|why| self.undelivered(why))?;
        self.sent.files.push(name);
        self.number += 1;
        self.text = sheet::head(self.format, &self.cover, self.number);
        self.begun = false;
        Ok(())
    }

    fn write(&mut self, name: &str) -> Result<(), AttachmentsError> {
        let mut file = match self.format.content_type() {
            Some(content_type) => Attachment::with_type(name, content_type)?,
            None => Attachment::new(name)?,
        };
        file.push(&self.text)?;
        self.files.push(file);
        Ok(())
    }

    fn send(&mut self) -> Result<(), Undelivered> {
        let files = std::mem::take(&mut self.files);
        let (last, first) = (self.sent.files.len(), self.sent.files.len() + 1 - files.len().min(self.sent.files.len()));
        let caption = match (first, last) {
            (1, 1) => self.cover.title.clone(),
            (first, last) => format!("{}: files {first} to {last}", self.cover.title),
        };
        let delivered =
            attachments::send(self.session, files, Caption::plain(caption)).map_err(|why| Undelivered { why, before: first - 1 })?;
        self.sent.deliveries.push(delivered.id);
        Ok(())
    }

    fn undelivered(&self, why: AttachmentsError) -> Undelivered {
        Undelivered { why, before: self.sent.files.len() - self.files.len() }
    }
}
