//! Builds that nobody compiled: of the plugin `shell-guard` a good one, a later one and two that go wrong, as an author might hand them over; of
//! `witness` as many plugins as a test wants.
//!
//! What it is for: the operators' guide tries things with the first, word for word, and so does the test that keeps the guide honest; pipelines are
//! tested with the others. What it costs: some milliseconds to make, a megabyte to keep. How it fails: as reading and writing files fails, or where the
//! bytes aren't found that are to say something else.

use crate::built::{ERRAND, SHELL_GUARD, WITNESS};
use crate::odd::Odd;
use std::io::{self, ErrorKind};
use std::path::Path;

/// What the real build's manifest begins with.
const FIRST: &[u8] = br#"{"id":"shell-guard","version":"0.1.0""#;

/// The same of the later build: as long, so that nothing else in the file moves.
const LATER: &[u8] = br#"{"id":"shell-guard","version":"0.2.0""#;

/// Writes the builds into a folder, which is made if it isn't there.
///
/// # Errors
///
/// When a file can't be read or written, or the plugin's version isn't 0.1.0 any more.
pub fn write(folder: &Path) -> io::Result<()> {
    let first = std::fs::read(SHELL_GUARD)?;
    let later = later(first.clone())?;
    // Faults in each call.
    let crashes = bad("0.3.0").handle("(unreachable)").build();
    // Faults before it ever serves.
    let starts_not = bad("0.4.0").activate("(unreachable)").build();
    std::fs::create_dir_all(folder)?;
    for (version, bytes) in [("0.1.0", first), ("0.2.0", later), ("0.3.0", crashes), ("0.4.0", starts_not)] {
        std::fs::write(folder.join(format!("shell-guard-{version}.wasm")), bytes)?;
    }
    Ok(())
}

/// A build to go wrong, which takes whatever settings there are.
fn bad(version: &str) -> Odd {
    Odd::new("shell-guard").version("shell-guard", version).describe(r#"{"config":{"type":"object"}}"#)
}

/// The same code as another version: what tells versions apart is the manifest, which also stands among the code's data.
fn later(mut build: Vec<u8>) -> io::Result<Vec<u8>> {
    replace(&mut build, FIRST, LATER)?;
    Ok(build)
}

/// What the built witness says of its id.
const WITNESS_ID: &[u8] = br#""id":"witness-a""#;

/// What it says of each hook's priority.
const WITNESS_PRIORITY: &[u8] = br#""priority":500"#;

/// The plugin `witness` under the id `witness-<letter>`: `a` to `z`. Its hooks that answer have this priority, from 100 to 999; as it is compiled, 500.
///
/// # Errors
///
/// When the build can't be read, or letter or priority are out of range.
pub fn witness(letter: char, priority: u16) -> io::Result<Vec<u8>> {
    if !letter.is_ascii_lowercase() || !(100..=999).contains(&priority) {
        return Err(io::Error::new(ErrorKind::InvalidInput, format!("no witness has the letter {letter:?} and the priority {priority}")));
    }
    let mut build = std::fs::read(WITNESS)?;
    replace(&mut build, WITNESS_ID, format!(r#""id":"witness-{letter}""#).as_bytes())?;
    replace(&mut build, WITNESS_PRIORITY, format!(r#""priority":{priority}"#).as_bytes())?;
    Ok(build)
}

/// The plugin `errand` under the id `erran<letter>`.
///
/// # Errors
///
/// When the build can't be read.
pub fn errand(letter: char) -> io::Result<Vec<u8>> {
    let mut build = std::fs::read(ERRAND)?;
    replace(&mut build, br#""id":"errand""#, format!(r#""id":"erran{letter}""#).as_bytes())?;
    Ok(build)
}

/// The plugin `errand` as version 1.1.0: another component, which does the same.
///
/// # Errors
///
/// When the build can't be read, or isn't version 1.0.0 any more.
pub fn errand_later() -> io::Result<Vec<u8>> {
    let mut build = std::fs::read(ERRAND)?;
    replace(&mut build, br#"{"id":"errand","version":"1.0.0""#, br#"{"id":"errand","version":"1.1.0""#)?;
    Ok(build)
}

/// Replaces some bytes wherever they are by as many others, so that nothing else in the file moves.
pub(crate) fn replace(build: &mut [u8], old: &[u8], new: &[u8]) -> io::Result<()> {
    let places: Vec<_> = build.windows(old.len()).enumerate().filter(|(_, window)| *window == old).map(|(at, _)| at).collect();
    for at in &places {
        if let Some(place) = build.get_mut(*at..at + old.len()) {
            place.copy_from_slice(new);
        }
    }
    let absent = || io::Error::new(ErrorKind::InvalidData, format!("no `{}` in the build", String::from_utf8_lossy(old)));
    if places.is_empty() { Err(absent()) } else { Ok(()) }
}
