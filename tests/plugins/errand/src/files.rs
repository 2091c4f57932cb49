//! Files that it hands over.

use plugbay_sdk::attachments::{Caption, CaptionFormat, Delivered};
use plugbay_sdk::prelude::*;

/// What to hand over.
#[plugbay_sdk::args]
pub(crate) struct Files {
    /// The files.
    pub(crate) files: Vec<File>,
    /// What is said with them.
    pub(crate) caption: Option<String>,
    /// How that is to be read.
    #[serde(default)]
    pub(crate) format: Format,
}

/// A file.
#[plugbay_sdk::args]
pub(crate) struct File {
    pub(crate) name: String,
    /// What it is said to be.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// What is in it first.
    #[serde(default)]
    pub(crate) text: String,
    /// The same, byte for byte.
    #[serde(default)]
    pub(crate) bytes: Vec<u8>,
    /// And so many zeroes behind that.
    #[serde(default)]
    pub(crate) zeroes: usize,
}

/// How a caption is to be read.
#[plugbay_sdk::args]
#[derive(Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    #[default]
    Plain,
    Markdown,
    Html,
}

impl Files {
    /// Writes them, and hands them over.
    pub(crate) fn send(self, session: &Session) -> Result<Delivered> {
        let format = match self.format {
            Format::Plain => CaptionFormat::Plain,
            Format::Markdown => CaptionFormat::Markdown,
            Format::Html => CaptionFormat::Html,
        };
        let files = self.files.into_iter().map(File::written).collect::<Result<Vec<_>>>()?;
        Ok(attachments::send(session, files, self.caption.map(|text| Caption { text, format }))?)
    }
}

impl File {
    fn written(self) -> Result<Attachment> {
        let mut file = match &self.kind {
            Some(kind) => Attachment::with_type(&self.name, kind)?,
            None => Attachment::new(&self.name)?,
        };
        file.push(self.text)?;
        file.push(self.bytes)?;
        let mut left = self.zeroes;
        while left > 0 {
            let piece = left.min(64 << 10);
            file.push(vec![0; piece])?;
            left -= piece;
        }
        Ok(file)
    }
}
