//! Opens a summary: the summaries under it, or, of a leaf, what was said, word for word.
//!
//! What it is for: the tool `open_summary`. Any numbers of entries will do, whether or not a summary has just these: what stands for them is narrowed down as long as it is one. What it costs: one row
//! for each level on the way. How it fails: in words for the model, which say what there is.

use crate::context::{everything, transcript_from};
use crate::lines;
use crate::node::Node;
use crate::said::{minute, said, speaker};
use crate::shelf::Trouble;
use crate::tree::{Placed, Tree};
use plugbay_sdk::prelude::*;

/// What the model wants to see.
#[plugbay_sdk::args]
pub(crate) struct Wanted {
    /// The numbers of entries before a summary's words, like "101-120"; or of one entry, like "107".
    pub(crate) summary: String,
    /// Which page, from 1, where an answer said that there are several.
    #[serde(default)]
    pub(crate) page: Option<u64>,
}

impl Wanted {
    /// The first and the last number.
    pub(crate) fn numbers(&self) -> Result<(u64, u64)> {
        let unreadable = || {
            Error::new(format!("{:?} has no numbers of entries in it: give those before a summary's words, like \"101-120\"", self.summary))
        };
        let mut numbers = self.summary.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).map(str::parse);
        let first: u64 = numbers.next().ok_or_else(unreadable)?.map_err(|_| unreadable())?;
        let last = numbers.next().unwrap_or(Ok(first)).map_err(|_| unreadable())?;
        if last < first { Err(unreadable()) } else { Ok((first, last)) }
    }
}

/// What is under these numbers, in so many tokens.
pub(crate) fn open(tree: &Tree, transcript: &Transcript, numbers: (u64, u64), page: u64, room: u64) -> Result<String, Trouble> {
    let (first, last) = numbers;
    let within = |all: Vec<Placed>| all.into_iter().filter(|placed| placed.node.meets(first, last)).collect::<Vec<_>>();
    let mut found = within(everything(tree, transcript, transcript.len()));
    loop {
        match found.as_slice() {
            [] => return Err(nothing(transcript, first, last).into()),
            [one] => match tree.children(one)? {
                Some(children) => found = within(children),
                None => return Ok(entries(transcript, &one.node, numbers, page, room)),
            },
            several => {
                let nodes: Vec<Node> = several.iter().map(|placed| placed.node.clone()).collect();
                let heading = format!("Under {first}-{last}, oldest first:");
                let text = lines::text(&heading, &nodes, &tree.head.sketch, room);
                return text.ok_or_else(|| {
                    Error::new(format!("{room} tokens are too few for a list (setting `open_tokens` of lossless-context)")).into()
                });
            }
        }
    }
}

fn nothing(transcript: &Transcript, first: u64, last: u64) -> Error {
    let end = |at: u64| transcript.window(at, 1).first().map_or(0, |entry| entry.id);
    Error::new(format!(
        "there are no entries {first}-{last}: this conversation has {} to {}",
        end(0),
        end(transcript.len().saturating_sub(1))
    ))
}

/// What was said, word for word, a page of it.
fn entries(transcript: &Transcript, leaf: &Node, (first, last): (u64, u64), page: u64, room: u64) -> String {
    let behind = usize::try_from(leaf.entries()).unwrap_or(usize::MAX);
    let wanted = transcript_from(transcript, leaf.start).take(behind).filter(|entry| (first..=last).contains(&entry.id));
    let mut pages = vec![String::new()];
    for entry in wanted {
        let text = format!("[{}, {}, {}] {}", entry.id, speaker(entry.role), minute(entry.at), said(&entry));
        for piece in pieces(&text, room) {
            match pages.last_mut() {
                Some(page) if page.is_empty() => page.push_str(piece),
                Some(page) if tokens::count(page) + tokens::count(piece) < room => {
                    page.push('\n');
                    page.push_str(piece);
                }
                _ => pages.push(piece.to_owned()),
            }
        }
    }
    let count = pages.len() as u64;
    let number = page.clamp(1, count);
    let text = usize::try_from(number - 1).ok().and_then(|at| pages.into_iter().nth(at)).unwrap_or_default();
    if count == 1 { text } else { format!("{text}\n[page {number} of {count}]") }
}

/// A text in pieces of so many tokens at most.
fn pieces(text: &str, room: u64) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while tokens::count(rest) > room {
        let mut end = rest.len() / 2;
        while tokens::count(rest.get(..rest.floor_char_boundary(end)).unwrap_or_default()) > room {
            end /= 2;
        }
        let (piece, more) = rest.split_at(rest.floor_char_boundary(end).max(rest.ceil_char_boundary(1)));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}
