//! Turns, from what is said to what is answered.

mod blocked;
mod crash;
mod crowd;
mod embedded;
mod forsaken;
mod history;
mod order;
mod prompts;
pub(crate) mod stage;
mod stopped;
mod swaps;
