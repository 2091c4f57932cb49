//! Plugins that ask the model and have subagents work, for tests in which they wait for each other.
//!
//! What it costs: some milliseconds; nothing is compiled for that. How it fails: as reading files fails, or where there is no such crew.

use crate::built::{CREW, CREW_B};
use std::io::{self, ErrorKind};

/// The plugin `crew-<letter>`, with the tools `crew-<letter>-ask` and so on: `a` or `b`.
///
/// # Errors
///
/// When the build can't be read, or the letter is none of these.
pub fn crew(letter: char) -> io::Result<Vec<u8>> {
    match letter {
        'a' => std::fs::read(CREW),
        'b' => std::fs::read(CREW_B),
        _ => Err(io::Error::new(ErrorKind::InvalidInput, format!("no crew has the letter {letter:?}"))),
    }
}
