//! The commands as operators run them: the real program against a real daemon, in a directory of its own.

#![cfg(test)]

mod agents;
mod broken;
mod chat;
mod ends;
mod held;
mod network;
mod offline;
mod output;
#[path = "../program/mod.rs"]
mod program;
mod terminal;
mod walk;
mod work;

use plugbay_guests::built;
use program::{CONFIGURATION, Daemon, Ended, PATIENCE, Place, has, text, wait, words};
