//! What the model sees: summaries of what is old, and word for word what is new.
//!
//! What it is for: nothing is left out, so what isn't told word for word has a summary above it. The summaries have a share of the budget, and the newest entries the rest. What it costs: reading the
//! tree's tips, and the entries that are told; none grows with the conversation. How it fails: as the tree does; a budget without room for one line is filled with entries alone.

use crate::lines;
use crate::node::Node;
use crate::shelf::Trouble;
use crate::tree::{Placed, Tree};
use plugbay_sdk::prelude::*;
use std::collections::VecDeque;

/// Tokens that a summary's line should have: as long as there is room for that, summaries are opened beforehand.
const LINE: u64 = 100;
/// Entries that are read at once.
const PAGE: u64 = 64;
/// The tool that opens summaries.
pub(crate) const TOOL: &str = "open_summary";
const HEADING: &str = "[Earlier in this conversation, oldest first. What follows this message stands there word for word; of all else here are summaries: the numbers of the entries, and words that occur in them.";
const OPENS: &str = " `open_summary` with such numbers, \"1-20\" for instance, shows what is under them: smaller summaries, and at last what was said, word for word.";

/// What the model sees.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// The summaries.
    pub(crate) above: Option<String>,
    /// The entries behind them, by id.
    pub(crate) entries: Vec<u64>,
    /// Tokens of the entries.
    pub(crate) recent: u64,
    /// Tokens of all of it.
    pub(crate) tokens: u64,
}

impl Context {
    fn of(above: Option<String>, recent: &Recent) -> Self {
        let taken = above.as_deref().map_or(0, tokens::of_message);
        Self { above, entries: recent.ids(), recent: recent.tokens(), tokens: taken + recent.tokens() }
    }
}

/// Within what it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Tokens that it may take.
    pub(crate) budget: u64,
    /// The summaries' part of them, in percent.
    pub(crate) share: u64,
    /// From this position on entries may be told word for word.
    pub(crate) recent: u64,
    /// Percent of the budget that are left unused.
    pub(crate) unused: u64,
    /// Whether summaries can be opened.
    pub(crate) opens: bool,
}

impl Frame {
    /// As the tree's head has it.
    pub(crate) fn of(tree: &Tree, budget: u64, share: u64) -> Self {
        Self { budget, share, recent: tree.head.recent, unused: tree.head.unused, opens: true }
    }
}

/// Makes it.
pub(crate) fn make(tree: &Tree, transcript: &Transcript, frame: Frame) -> Result<Context, Trouble> {
    let budget = percent(frame.budget, 100_u64.saturating_sub(frame.unused));
    let floor = frame.recent.min(transcript.len());
    let all = newest(transcript, floor, budget);
    if all.start == 0 {
        return Ok(Context::of(None, &all));
    }
    let room = percent(budget, frame.share.min(100));
    let start = newest(transcript, floor, budget - room).start;
    let heading = if frame.opens { format!("{HEADING}{OPENS}]") } else { format!("{HEADING}]") };
    let nodes = standing(tree, transcript, start, room)?;
    let above = lines::text(&heading, &nodes, &tree.head.sketch, room);
    let left = budget - above.as_deref().map_or(0, tokens::of_message);
    Ok(Context::of(above, &newest(transcript, floor, left)))
}

fn percent(of: u64, part: u64) -> u64 {
    u64::try_from(u128::from(of) * u128::from(part) / 100).unwrap_or(of)
}

/// Entries that are told word for word.
pub(crate) struct Recent {
    /// The position of the first of them.
    pub(crate) start: u64,
    /// Without their words, oldest first.
    lines: Vec<Outline>,
}

impl Recent {
    /// What they take.
    fn tokens(&self) -> u64 {
        self.lines.iter().map(|line| line.tokens).sum()
    }

    fn ids(&self) -> Vec<u64> {
        self.lines.iter().map(|line| line.id).collect()
    }
}

/// The newest entries that fit, from a position on that isn't before `floor`. No answer of a tool without its call.
pub(crate) fn newest(transcript: &Transcript, floor: u64, budget: u64) -> Recent {
    let (mut start, mut lines, mut left) = (transcript.len(), VecDeque::new(), budget);
    'pages: while start > floor {
        let page = start.saturating_sub(PAGE).max(floor);
        for line in transcript.outline(page, u32::try_from(start - page).unwrap_or(u32::MAX)).into_iter().rev() {
            let Some(rest) = left.checked_sub(line.tokens) else { break 'pages };
            (left, start) = (rest, start - 1);
            lines.push_front(line);
        }
        if start > page {
            break; // the session was deleted meanwhile
        }
    }
    let answers = lines.iter().take_while(|line| line.role == Role::Tool).count();
    Recent { start: start + answers as u64, lines: lines.into_iter().skip(answers).collect() }
}

/// The entries from a position on, read as they are wanted.
pub(crate) fn transcript_from<'a>(transcript: &'a Transcript, start: u64) -> impl Iterator<Item = Entry> + 'a {
    let (mut at, mut page) = (start, Vec::new().into_iter());
    std::iter::from_fn(move || {
        if let Some(entry) = page.next() {
            return Some(entry);
        }
        let read = transcript.window(at, u32::try_from(PAGE).unwrap_or(u32::MAX));
        at += read.len() as u64;
        page = read.into_iter();
        page.next()
    })
}

/// Summaries that stand for all entries before a position: as few as there are, and of the newest those below them, as long as there is room.
fn standing(tree: &Tree, transcript: &Transcript, start: u64, room: u64) -> Result<Vec<Node>, Trouble> {
    let mut all = everything(tree, transcript, start);
    while let Some(at) = all.iter().rposition(|placed| placed.place.is_some_and(|(level, _)| level > 0)) {
        let Some(children) = all.get(at).map(|placed| tree.children(placed)).transpose()?.flatten() else { break };
        if (all.len() + children.len() - 1) as u64 * LINE > room {
            break;
        }
        all.splice(at..=at, children);
    }
    Ok(all.into_iter().map(|placed| placed.node).filter(|node| node.start < start).collect())
}

/// What stands for all entries before a position: the tree, and one summary more for what hasn't grown yet.
pub(crate) fn everything(tree: &Tree, transcript: &Transcript, end: u64) -> Vec<Placed> {
    let mut all = tree.at_hand();
    let grown = tree.head.grown;
    if let Some(rest) = end.checked_sub(grown).filter(|rest| *rest > 0) {
        let entries: Vec<Entry> = transcript_from(transcript, grown).take(usize::try_from(rest).unwrap_or(usize::MAX)).collect();
        all.push(Placed { place: None, node: Node::leaf(grown, &entries, &tree.head.sketch) });
    }
    all
}
