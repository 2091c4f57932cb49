//! Makes sure that the standard library for the plugins' target is installed.
//!
//! Costs one start of rustc (about 20 ms). Looks for the library itself, so it holds with rustup, with a distribution's Rust and with a
//! library that was unpacked by hand. Where it is missing rustup is asked to add it; where that fails, the error is one line that says
//! what to install.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;

/// What plugins are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Adds the target where it is missing.
pub(crate) fn ensure(paths: &Paths) -> Result<()> {
    if installed(paths)? {
        return Ok(());
    }
    match add(paths) {
        Ok(()) if installed(paths)? => {
            eprintln!("xtask: added the Rust target {TARGET} with rustup");
            Ok(())
        }
        Ok(()) => bail!("{}", missing("rustup said it did, but the library isn't there")),
        // Somebody else may have added it at the same time, which rustup doesn't like.
        Err(_) if installed(paths)? => Ok(()),
        Err(reason) => bail!("{}", missing(&reason)),
    }
}

fn missing(reason: &str) -> String {
    format!("the Rust target {TARGET} is missing, install it with `rustup target add {TARGET}` (tried: {reason})")
}

fn installed(paths: &Paths) -> Result<bool> {
    let mut command = Command::new("rustc");
    command.args(["--print", "target-libdir", "--target", TARGET]).current_dir(&paths.root).stdin(Stdio::null());
    let output = command.output().context("can't start rustc, install Rust from https://rustup.rs")?;
    if !output.status.success() {
        bail!("rustc doesn't know the target {TARGET}, install Rust 1.95 from https://rustup.rs (it said: {})", last_line(&output.stderr));
    }
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(holds_library(&folder))
}

/// Whether a folder holds the standard library, and not only what an uninstallation left.
fn holds_library(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// Asks rustup for the target; an `Err` says why it isn't there now.
fn add(paths: &Paths) -> Result<(), String> {
    let mut command = Command::new("rustup");
    let output = command.args(["target", "add", TARGET]).current_dir(&paths.root).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(reason(&output.stderr)),
        Err(error) => Err(format!("can't start rustup: {error}")),
    }
}

/// The line that says what went wrong; else the last.
fn reason(text: &[u8]) -> String {
    let words = String::from_utf8_lossy(text);
    words.lines().map(str::trim).find(|line| line.starts_with("error")).map_or_else(|| last_line(text), str::to_owned)
}

fn last_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it gave no reason").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_library_is_no_target() {
        let folder = std::env::temp_dir().join(format!("plugbay-xtask-target-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("liballoc-1.rlib"), "").unwrap();
        assert!(!holds_library(&folder));
        fs::write(folder.join("libstd-1.rlib"), "").unwrap();
        assert!(holds_library(&folder));
        fs::remove_dir_all(&folder).unwrap();
        assert!(!holds_library(&folder));
    }

    #[test]
    fn the_reason_is_one_line() {
        assert_eq!(last_line(b"info: downloading\nno network\n\n"), "no network");
        assert_eq!(reason(b"info: downloading\nerror: no network\n  15: <unknown>\n"), "error: no network");
        assert_eq!(missing(&last_line(b"\n")).lines().count(), 1);
    }
}
