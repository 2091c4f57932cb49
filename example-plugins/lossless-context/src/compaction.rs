//! Less word for word, and more under summaries; and less of everything where the model says that it is too much.
//!
//! What it is for: a person who wants a shorter context, and models that count otherwise than the host. Nothing is lost either way, so what a person asks to be kept is kept anyhow. What it costs: the
//! context, twice. How it fails: what would be no shorter stays as it is, and says so.

use crate::context::{Frame, make, newest};
use crate::shelf::Trouble;
use crate::tree::{Tree, change_head};
use plugbay_sdk::hooks::context_compact::Reason;
use plugbay_sdk::prelude::*;

/// Percent of the budget of which at least so many stay used.
const LEAST_USED: u64 = 20;

/// Makes the context of a conversation shorter.
pub(crate) fn compact(tree: &Tree, transcript: &Transcript, event: &CompactionAsked, share: u64) -> Result<Compaction, Trouble> {
    let frame = Frame::of(tree, event.budget, share);
    let before = make(tree, transcript, frame)?;
    let tighter = match event.reason {
        Reason::Overflow => Frame { unused: 100 - ((100 - frame.unused.min(100)) * 3 / 4).max(LEAST_USED), ..frame },
        Reason::Manual | Reason::Threshold => {
            Frame { recent: newest(transcript, frame.recent.min(transcript.len()), before.recent / 2).start, ..frame }
        }
    };
    let after = make(tree, transcript, tighter)?;
    if after.tokens >= before.tokens {
        return Ok(Compaction::nothing(before.tokens, "summaries would take no less room than what they stand for"));
    }
    change_head(tree.shelf, |head| (head.recent, head.unused) = (head.recent.max(tighter.recent), head.unused.max(tighter.unused)))?;
    let done = Compaction::done(before.tokens, after.tokens);
    Ok(if let Some(above) = after.above { done.summary(above) } else { done })
}
