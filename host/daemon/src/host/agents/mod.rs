//! Agents, as the program serves them: a gateway's sessions, turns, tools and questions, in the words of the HTTP side.
//!
//! Each of these asks the gateway and says what came of it; what it costs and how it fails is said there. What an operator changes here is in the history.

mod actions;
mod failures;
mod hooks;
mod prepared;
mod receipts;
mod sessions;
mod settings;
mod turns;
mod views;
mod work;

pub(super) use prepared::PreparedTurns;
pub(super) use settings::settings;
pub(super) use views::harm;
pub(crate) use work::Opened;
