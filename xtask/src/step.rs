//! One long step of a chore: another program, with a plain line when it begins and one with the seconds when it ends.
//!
//! The program's own output goes straight through; it gets no input, so nothing can wait for a key. A program that can't be started or
//! that ends badly is an error that names the step.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Cargo, of the toolchain that started this program.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs `command` as the step `name`.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<()> {
    eprintln!("xtask: {name} begins");
    let begin = Instant::now();
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("{name}: can't start {:?}", command.get_program()))?;
    let seconds = begin.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{name} failed after {seconds:.1} s: {status}");
    }
    eprintln!("xtask: {name} done in {seconds:.1} s");
    Ok(())
}

/// Whether a program is there: it can be started and answers `--version`.
pub(crate) fn exists(program: &str, folder: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_end_is_an_error_that_names_the_step() {
        let error = run("counting", cargo().arg("--no-such-flag").stderr(Stdio::null())).unwrap_err().to_string();
        assert!(error.starts_with("counting failed after "), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_names_the_step() {
        let error = format!("{:#}", run("counting", &mut Command::new("plugbay-no-such-program")).unwrap_err());
        assert!(error.starts_with("counting: can't start \"plugbay-no-such-program\": "), "{error}");
    }

    #[test]
    fn only_what_answers_exists() {
        assert!(exists("cargo", Path::new(".")));
        assert!(!exists("plugbay-no-such-program", Path::new(".")));
        assert!(!exists("false", Path::new(".")), "a program that answers badly");
    }
}
