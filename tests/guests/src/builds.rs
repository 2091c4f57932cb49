//! Builds of the plugin `shell-guard`, as an author might hand them over: a good one, a later one, and two that go wrong.
//!
//! What it is for: the operators' guide tries things with them, word for word, and so does the test that keeps the guide honest. What it costs: some
//! milliseconds to make, a megabyte to keep. How it fails: as writing files fails, or where the manifest isn't found that is to say another version.

use crate::built::SHELL_GUARD;
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
    let places: Vec<_> = build.windows(FIRST.len()).enumerate().filter(|(_, window)| *window == FIRST).map(|(at, _)| at).collect();
    for at in &places {
        if let Some(manifest) = build.get_mut(*at..at + FIRST.len()) {
            manifest.copy_from_slice(LATER);
        }
    }
    let absent = || io::Error::new(ErrorKind::InvalidData, format!("{SHELL_GUARD} isn't shell-guard 0.1.0"));
    if places.is_empty() { Err(absent()) } else { Ok(build) }
}
