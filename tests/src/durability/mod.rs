//! What a plugin was told is written survives a killed host: the parts of the tests that prove it.
//!
//! `durable-host` (in `src/bin/`) is the program that is killed: plugins under load on one state, one line for each answer that came back ([`Said`]).
//! Whoever started it keeps a [`Book`] of these lines, and compares it with what stands in the files afterwards. [`kill_rounds`] does so many times, and
//! [`turn_rounds`] with turns of agents, for what plugins queue for them, and [`work_rounds`] with jobs, actions and deliveries.
//!
//! What it costs: a round some half second, most of it the program's start. How it fails: by an error that names what was lost, come twice or torn.

mod book;
mod files;
mod host;
mod load;
mod rounds;
mod said;
mod scenes;
mod turns;
mod work;

pub use book::{Book, Settled};
pub use files::{Rows, copy, read, rows, sound};
use host::engine;
pub use host::{Answer, Host, ask, options};
pub use load::{Amount, BAG, load, slot, value};
pub use rounds::{Child, KillSettings, Summary, kill_rounds};
pub use said::{Said, say};
pub use scenes::{Scene, hold, play};
pub use turns::{TurnsSummary, turn_rounds, turns};
pub use work::{WorkSummary, settle, work, work_rounds};
