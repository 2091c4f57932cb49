//! The tree of one life: how it grows, and what of it is at hand.
//!
//! What it is for: a leaf stands for some twenty entries; where sixteen summaries of one level are, one is made above them, and they are a row that isn't written again. What is at hand
//! is the rest of each level: at most fifteen summaries, which together stand for all that has grown. What it costs: with each leaf a row and the head; to read, the head and one row for each
//! level. How it fails: by [`Trouble`]; a tree of which a row was lost is grown again from the transcript.

use crate::leaves;
use crate::node::{FAN_OUT, Node, words_of};
use crate::shelf::{Head, Shelf, Trouble};
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::Observation;
use std::collections::BTreeMap;

/// How often it is tried to write what others write, too.
const ATTEMPTS: u32 = 32;
/// Entries that one call takes in at most; the next call goes on.
const AT_ONCE: u64 = 20_000;

/// A summary and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Its level, 0 for leaves; and which one of it. None of what isn't in the rows.
    pub(crate) place: Option<(usize, u64)>,
    pub(crate) node: Node,
}

/// A tree, as it was read.
pub(crate) struct Tree<'a> {
    pub(crate) shelf: &'a Shelf,
    pub(crate) head: Head,
    seen: Observation<Head>,
    /// The summaries of each level that have none above them, leaves first.
    tips: Vec<Vec<Node>>,
    /// The rows that they were read from.
    seen_rows: BTreeMap<(usize, u64), Observation<Vec<Node>>>,
}

/// The conversation that a call is about.
pub(crate) fn transcript<'a>(call: &'a Call<'a>) -> Result<&'a Transcript<'a>> {
    call.transcript.as_ref().ok_or_else(|| {
        Error::new(format!("the call of `{}` has no transcript: lossless-context needs the grant `conversation`", call.cause.name))
    })
}

/// Does something with the tree of a call's session. Where a row was lost, the tree is grown again first.
pub(crate) fn with<T>(call: &Call, work: impl Fn(&Tree) -> Result<T, Trouble>) -> Result<T> {
    let (shelf, transcript) = (Shelf::of(call)?, transcript(call)?);
    let grown = || {
        let tree = Tree::read(&shelf)?;
        // So much isn't left behind unless the head was lost, or a call took in as much as it may.
        if tree.head.grown + 2 * leaves::ENTRIES as u64 >= transcript.len() {
            return Ok(tree);
        }
        grow_on(&shelf, transcript)?;
        Tree::read(&shelf)
    };
    let done = grown().and_then(|tree| work(&tree));
    let Err(Trouble::Lost(row)) = done else { return done.map_err(Trouble::error) };
    begin_anew(&shelf, &row)?;
    grown().and_then(|tree| work(&tree)).map_err(Trouble::error)
}

/// Takes in what was said since, as far as leaves are full of it.
pub(crate) fn grow(call: &Call) -> Result<()> {
    let (shelf, transcript) = (Shelf::of(call)?, transcript(call)?);
    match grow_on(&shelf, transcript) {
        Err(Trouble::Lost(row)) => {
            begin_anew(&shelf, &row)?;
            grow_on(&shelf, transcript).map_err(Trouble::error)
        }
        done => done.map_err(Trouble::error),
    }
}

/// Begins anew, since a row was lost: what the head doesn't say isn't there.
fn begin_anew(shelf: &Shelf, row: &str) -> Result<()> {
    log::warn!("the row {row:?} was lost: the summaries are made again from the transcript");
    change_head(shelf, |head| *head = Head { recent: head.recent, unused: head.unused, ..Head::default() })
}

/// Changes the head, whoever else does.
pub(crate) fn change_head(shelf: &Shelf, change: impl Fn(&mut Head)) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let seen = shelf.head()?;
        let mut head = seen.value.clone().unwrap_or_default();
        change(&mut head);
        if shelf.put_head(&seen, head)? {
            return Ok(());
        }
    }
    Err(contended())
}

fn contended() -> Error {
    Error::new(format!("others wrote to the summaries of this conversation in each of {ATTEMPTS} attempts"))
}

fn grow_on(shelf: &Shelf, transcript: &Transcript) -> Result<(), Trouble> {
    let (mut conflicts, mut taken) = (0, 0);
    while taken < AT_ONCE {
        let mut tree = Tree::read(shelf)?;
        let before = tree.head.grown;
        let (entries, ends) = full_leaves(transcript, before);
        let Some(last) = ends.last() else { return Ok(()) };
        let mut begin = 0;
        let mut rows = BTreeMap::new();
        for end in &ends {
            tree.leaf(entries.get(begin..*end).unwrap_or_default(), &mut rows);
            begin = *end;
        }
        if tree.write(rows)? {
            taken += *last as u64;
        } else if conflicts < ATTEMPTS {
            conflicts += 1;
        } else {
            return Err(contended().into());
        }
    }
    Ok(())
}

/// Entries from this position on, and where the leaves end that are full of them. At least one does, if there is one.
fn full_leaves(transcript: &Transcript, start: u64) -> (Vec<Entry>, Vec<usize>) {
    let (mut entries, mut sizes): (Vec<Entry>, Vec<u64>) = (Vec::new(), Vec::new());
    loop {
        let at = start + entries.len() as u64;
        let page = transcript.window(at, 1_000);
        sizes.extend(transcript.tokens(at, u32::try_from(page.len()).unwrap_or(u32::MAX)));
        let is_end = page.is_empty() || at + page.len() as u64 >= transcript.len();
        entries.extend(page);
        let ends = leaves::ends(&entries, &sizes);
        if is_end || !ends.is_empty() {
            return (entries, ends);
        }
    }
}

/// In which row of its level a summary is, and how many stand before it there.
fn row_of(index: u64) -> (u64, usize) {
    let fan_out = FAN_OUT as u64;
    (index / fan_out, usize::try_from(index % fan_out).unwrap_or_default())
}

/// Rows that have changed: by level and number, as they are now.
type Rows = BTreeMap<(usize, u64), Vec<Node>>;

impl<'a> Tree<'a> {
    /// Reads what is at hand.
    pub(crate) fn read(shelf: &'a Shelf) -> Result<Self, Trouble> {
        let seen = shelf.head()?;
        let head = seen.value.clone().unwrap_or_default();
        let (mut tips, mut seen_rows) = (Vec::new(), BTreeMap::new());
        for level in 0..head.levels.len() {
            let (number, count) = row_of(head.level(level));
            let mut tip = Vec::new();
            if count > 0 {
                let (nodes, row) = shelf.nodes(level, number, count)?;
                seen_rows.insert((level, number), row);
                tip = nodes;
            }
            tips.push(tip);
        }
        Ok(Self { shelf, head, seen, tips, seen_rows })
    }

    /// What stands for all that has grown, with as few summaries as there can be, oldest first.
    pub(crate) fn at_hand(&self) -> Vec<Placed> {
        let levels = self.tips.iter().enumerate().rev();
        let placed = |(level, tip): (usize, &Vec<Node>)| {
            let first = self.head.level(level) - tip.len() as u64;
            (first..).zip(tip.clone()).map(move |(index, node)| Placed { place: Some((level, index)), node }).collect::<Vec<_>>()
        };
        levels.flat_map(placed).collect()
    }

    /// What a summary stands above. None of a leaf.
    pub(crate) fn children(&self, placed: &Placed) -> Result<Option<Vec<Placed>>, Trouble> {
        let Some((level, index)) = placed.place.and_then(|(level, index)| Some((level.checked_sub(1)?, index))) else { return Ok(None) };
        let (nodes, _) = self.shelf.nodes(level, index, FAN_OUT)?;
        let first = index * FAN_OUT as u64;
        Ok(Some((first..).zip(nodes).map(|(index, node)| Placed { place: Some((level, index)), node }).collect()))
    }

    /// One summary.
    pub(crate) fn node(&self, level: usize, index: u64) -> Result<Placed, Trouble> {
        let (number, at) = row_of(index);
        let (mut nodes, row) = self.shelf.nodes(level, number, at + 1)?;
        let lost = || Trouble::Lost(row.key().to_owned());
        Ok(Placed { place: Some((level, index)), node: nodes.pop().ok_or_else(lost)? })
    }

    /// Changes one summary, if it still has this name.
    pub(crate) fn change(&self, level: usize, index: u64, name: &str, change: impl Fn(&mut Node)) -> Result<bool> {
        self.shelf.change(level, row_of(index).0, name, change)
    }

    /// One more leaf, and whatever is to stand above it then.
    fn leaf(&mut self, entries: &[Entry], rows: &mut Rows) {
        self.head.sketch.add(words_of(entries).iter().map(String::as_str));
        let mut node = Node::leaf(self.head.grown, entries, &self.head.sketch);
        self.head.grown = node.end;
        for level in 0.. {
            if self.tips.len() == level {
                self.tips.push(Vec::new());
                self.head.levels.push(0);
            }
            let (Some(tip), Some(count)) = (self.tips.get_mut(level), self.head.levels.get_mut(level)) else { return };
            let row = (level, row_of(*count).0);
            tip.push(node);
            *count += 1;
            rows.insert(row, tip.clone());
            if tip.len() < FAN_OUT {
                return;
            }
            node = Node::above(&std::mem::take(tip), &self.head.sketch);
        }
    }

    /// Writes rows, and then the head. Whether nobody else was faster.
    fn write(&mut self, rows: Rows) -> Result<bool> {
        for ((level, number), nodes) in rows {
            // What the head doesn't speak of yet may hold anything.
            let read = self.seen_rows.remove(&(level, number));
            let seen = read.map_or_else(|| self.shelf.row(level, number), Ok)?;
            if !self.shelf.put(&seen, nodes, &self.seen)? {
                return Ok(false);
            }
        }
        self.shelf.put_head(&self.seen, self.head.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_read_a_row_before_it_was_changed_does_not_write_it() {
        let entry =
            |id| Entry { id, role: Role::User, at: 0, content: Payload::Json(format!("\"entry {id} of many\"")), tool_call_id: None };
        let entries: Vec<Entry> = (1..=80).map(entry).collect();
        let transcript = |len: usize| Some(Transcript::of(entries[..len].to_vec()));
        let call = |len| Call { session: Some(sessions::fake::session("chat")), transcript: transcript(len), ..Call::default() };
        grow(&call(50)).unwrap();
        let shelf = Shelf::of(&call(50)).unwrap();
        let (mut early, mut rows) = (Tree::read(&shelf).ok().unwrap(), Rows::new());
        assert!(shelf.change(0, 0, "1-20", |node| node.say("They count.")).unwrap());
        early.leaf(&entries[40..60], &mut rows);
        assert!(!early.write(rows).unwrap());
        grow(&call(80)).unwrap();
        let nodes = shelf.row(0, 0).unwrap().value.unwrap();
        assert_eq!((nodes.len(), nodes[0].digest.as_str()), (3, "They count."));
    }
}
