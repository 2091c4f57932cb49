//! The lines between the program that is killed and whoever started it: one for each answer of a guest.
//!
//! A line is one `write` of less than the kernel keeps whole in a pipe, so no line is ever torn, whenever the program dies.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// Something that happened, told after it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "`plugin` is whose, `task` which of its tasks, `id` the text's, the rest stands at the variants")]
pub enum Said {
    /// All plugins are loaded.
    Ready,
    /// A writer's n-th value of this round is registered.
    Registered { plugin: String, task: u64, n: u64 },
    /// A token is in the bag.
    Filled { plugin: String, token: String },
    /// A token was consumed.
    Consumed { plugin: String, token: String },
    /// A counter was counted up, to this.
    Counted { plugin: String, counter: String, to: u64 },
    /// A text is queued for the session's next turn.
    Queued { session: String, id: String },
    /// The host before this one left so many turns in their middle, and so many jobs of which nobody knows how they ended.
    Recovered { turns: usize, jobs: usize },
    /// A timer is scheduled, which is to be told this.
    Timed { job: String, payload: String },
    /// A turn of the session is scheduled, whose agent is to be told this.
    Planned { session: String, job: String, text: String },
    /// Somebody acted, and the session's agent is to go on.
    Acted { session: String, by: String },
    /// A delivery was handed over, whose first file this is.
    Sent { session: String, id: String, text: String },
    /// A step of a scene went well.
    Went { step: String },
    /// An answer was an error; or there was none, and `code` is empty.
    Refused { plugin: String, code: String, operation: String, message: String },
    /// Everything was done; nobody killed the program.
    Done,
}

/// Says it on standard output.
///
/// # Errors
/// If nobody listens any more.
pub fn say(said: &Said) -> Result<()> {
    let mut line = serde_json::to_string(said)?;
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())?;
    Ok(out.flush()?)
}
