//! A report that the agent writes: its arguments, checked, and as files.
//!
//! What it is for: the tool `write_report`. What it costs: one pass over the text, and one delivery. How it fails: what is too long, or empty, is refused by name, and nothing is delivered.

use crate::blocks::clean;
use crate::moment::{day, minute, now};
use crate::parts::{Parts, Sent};
use crate::sheet::{Cover, Format, Piece, SECTIONS};
use plugbay_sdk::prelude::*;

/// Characters of a title and of a heading.
const TITLE: usize = 200;
/// Sections of a report.
const MOST: usize = 100;
/// Characters of a section's text.
const TEXT: usize = 60_000;
/// Characters of a file's name, without its date and ending.
const NAME: usize = 60;

/// What the agent writes.
#[plugbay_sdk::args]
pub(crate) struct Written {
    /// What the report is about; 200 characters.
    pub(crate) title: String,
    /// Its sections, in order; 1 to 100.
    pub(crate) sections: Vec<Section>,
    /// `markdown`, `html` or `csv`; what the operator has set, if left out.
    #[serde(default)]
    pub(crate) format: Option<Format>,
}

/// A section.
#[plugbay_sdk::args]
pub(crate) struct Section {
    /// What it is about; 200 characters.
    pub(crate) heading: String,
    /// Its text; 60,000 characters. Blank lines separate paragraphs, lines that begin with `- ` are a list, lines between ``` are code; `**strong**` and `` `code` `` work within a line. Everything else stands in the report as it is written.
    pub(crate) text: String,
}

/// Delivers it.
pub(crate) fn deliver(session: &Session, usual: Format, written: Written) -> Result<Sent> {
    let format = written.format.unwrap_or(usual);
    let Written { title, sections, .. } = checked(written)?;
    let cover = Cover {
        about: vec![format!("Written {} by the agent of session {}", minute(now()), line(&session.key()?))],
        contents: sections.iter().map(|section| section.heading.clone()).collect(),
        columns: SECTIONS,
        title,
    };
    let name = file_name(&cover.title);
    let mut parts = Parts::new(session, format, name, cover);
    for (number, section) in (1..).zip(&sections) {
        let piece = Piece::Section { number, heading: &section.heading, text: &section.text };
        parts.piece(&piece).map_err(|error| Error::new(error.words()))?;
    }
    parts.finish().map_err(|error| Error::new(error.words()))
}

fn checked(written: Written) -> Result<Written> {
    let Written { title, sections, format } = written;
    let title = words("`title`", &title)?;
    match sections.len() {
        0 => return Err(Error::new("`sections` is empty: a report has 1 at least")),
        n if n > MOST => return Err(Error::new(format!("`sections` has {n} entries, {MOST} are allowed: write several reports"))),
        _ => {}
    }
    let section = |(number, section): (usize, Section)| {
        let heading = words(&format!("the heading of section {number}"), &section.heading)?;
        let text = clean(&section.text);
        match text.chars().count() {
            n if n > TEXT => {
                Err(Error::new(format!("the text of section {number} has {n} characters, {TEXT} are allowed: make several of it")))
            }
            _ => Ok(Section { heading, text }),
        }
    };
    let sections = (1..).zip(sections).map(section).collect::<Result<_>>()?;
    Ok(Written { title, sections, format })
}

/// Words in one line.
fn words(what: &str, text: &str) -> Result<String> {
    let text = line(text);
    match text.chars().count() {
        0 => Err(Error::new(format!("{what} is empty"))),
        n if n > TITLE => Err(Error::new(format!("{what} has {n} characters, {TITLE} are allowed"))),
        _ => Ok(text),
    }
}

/// A text as one line.
pub(crate) fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file's name that every system takes: `week-3-2026-11-02`.
pub(crate) fn file_name(title: &str) -> String {
    let plain: String = title.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let name: String = plain.split_whitespace().collect::<Vec<_>>().join("-").chars().take(NAME).collect();
    let name = name.trim_matches('-');
    format!("{}-{}", if name.is_empty() { "report" } else { name }, day(now()))
}
