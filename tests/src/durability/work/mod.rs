//! Work that is killed: what plugins scheduled, what people had them do, what they handed over is done once, or not done and said so, whenever the host dies.
//!
//! The program has the plugin `errand` schedule timers and turns, has agents go on after actions, and has files sent, in several sessions at once. What was acknowledged
//! stands, afterwards, in one place: it waits, or it was done once and the history says so, or the history says why nobody knows. A delivery is listed and whole. The next
//! round's host recovers what the one before left; a last one does all that is left. Costs some half second a round; fails by an error that names what was lost or came twice.

mod book;
mod found;
mod program;
mod rounds;

pub use book::WorkSummary;
pub use program::{settle, work};
pub use rounds::work_rounds;

/// The plugin that has it all done.
const PLUGIN: &str = "errand";
/// Sessions of a round, side by side.
const SESSIONS: usize = 4;
/// The folder of files that were handed over, in the one of the compile cache.
const OUTBOX: &str = "outbox";

/// The key of a round's n-th session.
fn session(round: u64, n: usize) -> String {
    format!("r{round}-{n}")
}
