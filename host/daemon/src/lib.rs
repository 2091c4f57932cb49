//! The parts of the `plugbay` program.

pub mod api;
pub mod client;
pub mod commands;
pub mod config;
pub mod directory;
pub mod host;
pub mod logs;
mod output;
mod state;
pub mod tokens;
