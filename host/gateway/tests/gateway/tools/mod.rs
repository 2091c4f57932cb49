//! Tools: which a turn has, and what a call of one goes through.

mod calls;
mod catalogue;
mod gates;
pub(crate) mod host;
mod turns;
