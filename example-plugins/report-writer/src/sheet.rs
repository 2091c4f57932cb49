//! What a report consists of, whatever its format: a cover, and pieces.
//!
//! What it is for: what is written is the same in each format; how it is written, the formats say. What it costs: one text for each piece. How it fails: it doesn't; nothing of a text can become markup, but
//! for a web address, which in Markdown is a link to itself.

use crate::moment::minute;
use crate::{csv, html, markdown};

/// In which format.
#[plugbay_sdk::args]
#[serde(rename_all = "kebab-case")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text that is read as it stands, or shown by anything that knows Markdown.
    #[default]
    Markdown,
    /// A page for a browser; without scripts, and it loads nothing.
    Html,
    /// A table for a spreadsheet.
    Csv,
}

impl Format {
    /// A format by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "markdown" | "md" => Some(Self::Markdown),
            "html" => Some(Self::Html),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// What a file's name ends with.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Csv => "csv",
        }
    }

    /// The type of a file. A host hands out pages as plain text, so that none of them is run, and finds that out itself.
    pub(crate) const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Markdown => Some("text/markdown"),
            Self::Html => None,
            Self::Csv => Some("text/csv"),
        }
    }
}

/// What stands at the beginning of each file.
#[derive(Debug, Clone)]
pub(crate) struct Cover {
    pub(crate) title: String,
    /// When and for whom it was written, and the like: a line each.
    pub(crate) about: Vec<String>,
    /// The headings of the pieces, for a table of contents; none, if there is to be none.
    pub(crate) contents: Vec<String>,
    /// What stands above a table's columns.
    pub(crate) columns: &'static [&'static str],
}

/// A part of a report.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// Something that the agent writes.
    Section { number: usize, heading: &'a str, text: &'a str },
    /// Something that was said.
    Entry { id: u64, at: u64, speaker: &'static str, text: &'a str },
}

/// Columns of a table of sections.
pub(crate) const SECTIONS: &[&str] = &["number", "heading", "text"];
/// Columns of a table of entries.
pub(crate) const ENTRIES: &[&str] = &["id", "time", "speaker", "text"];

impl Piece<'_> {
    /// What stands above it.
    pub(crate) fn heading(&self) -> String {
        match self {
            Self::Section { number, heading, .. } => numbered(*number, heading),
            Self::Entry { id, at, speaker, .. } => format!("{id} {speaker}, {}", minute(*at)),
        }
    }

    pub(crate) const fn text(&self) -> &str {
        match self {
            Self::Section { text, .. } | Self::Entry { text, .. } => text,
        }
    }

    /// The cells of its row.
    pub(crate) fn cells(&self) -> Vec<String> {
        match self {
            Self::Section { number, heading, text } => vec![number.to_string(), (*heading).to_owned(), (*text).to_owned()],
            Self::Entry { id, at, speaker, text } => vec![id.to_string(), minute(*at), (*speaker).to_owned(), (*text).to_owned()],
        }
    }
}

/// A heading with its number, which makes it unlike every other.
pub(crate) fn numbered(number: usize, heading: &str) -> String {
    format!("{number}. {heading}")
}

/// The beginning of a file; from the second on it says which one it is.
pub(crate) fn head(format: Format, cover: &Cover, part: usize) -> String {
    let mut cover = cover.clone();
    if part > 1 {
        cover.about.insert(0, format!("Part {part}"));
        cover.contents.clear();
    }
    match format {
        Format::Markdown => markdown::head(&cover),
        Format::Html => html::head(&cover),
        Format::Csv => csv::row(cover.columns),
    }
}

/// A piece.
pub(crate) fn piece(format: Format, piece: &Piece) -> String {
    match format {
        Format::Markdown => markdown::piece(piece),
        Format::Html => html::piece(piece),
        Format::Csv => csv::row(&piece.cells()),
    }
}

/// The end of a file.
pub(crate) const fn foot(format: Format) -> &'static str {
    match format {
        Format::Html => html::FOOT,
        Format::Markdown | Format::Csv => "",
    }
}
