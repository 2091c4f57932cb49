//! The chores of this repository, started as `cargo xtask COMMAND`.
//!
//! Each command lives in a module of its own and does its work by starting other programs: cargo, and for two test fixtures pip and npm.
//! It costs what those programs cost; an up-to-date step is skipped. A chore that fails ends with one line that says why and exit code 1,
//! wrong usage with exit code 2.

mod check;
mod languages;
mod paths;
mod programs;
mod step;
mod test;
mod wasm_target;
mod wit;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::paths::Paths;

const USAGE: &str = "usage: cargo xtask COMMAND

  run, tour                              play a story of agents and plugins against the real program, offline: the tour
  test [-- ARGS]                         build the Python and JavaScript fixtures, then run all tests; ARGS go to `cargo test`
  check                                  formatting, clippy and docs, warnings denied, and `wit`
  hostile [--json FILE]                  run every hostile component against a live host
  bench [--only NAME,...] [--json FILE]  measure, in a release build
  wit [--accept]                         compare the contract in wit/ with its recorded hashes, or record them anew
  languages                              build the Python and JavaScript fixtures only
";

/// What the command line asks for.
enum Chore {
    Tour,
    Test(Vec<OsString>),
    Check,
    Hostile(Vec<OsString>),
    Bench(Vec<OsString>),
    Wit { accept: bool },
    Languages,
    Usage,
}

impl Chore {
    /// Reads the words after `cargo xtask`; none where they make no sense.
    fn read(mut words: Vec<OsString>) -> Option<Self> {
        let rest = if words.is_empty() { Vec::new() } else { words.split_off(1) };
        let texts: Vec<&str> = rest.iter().map(|word| word.to_str().unwrap_or_default()).collect();
        match (words.first()?.to_str()?, texts.as_slice()) {
            ("run" | "tour", []) => Some(Self::Tour),
            ("test", []) => Some(Self::Test(rest)),
            ("test", ["--", ..]) => Some(Self::Test(rest.into_iter().skip(1).collect())),
            ("check", []) => Some(Self::Check),
            ("hostile", _) => Some(Self::Hostile(rest)),
            ("bench", _) => Some(Self::Bench(rest)),
            ("wit", []) => Some(Self::Wit { accept: false }),
            ("wit", ["--accept"]) => Some(Self::Wit { accept: true }),
            ("languages", []) => Some(Self::Languages),
            ("help" | "--help" | "-h", _) => Some(Self::Usage),
            _ => None,
        }
    }

    fn perform(self, paths: &Paths) -> Result<()> {
        if !matches!(self, Self::Usage) {
            wasm_target::ensure(paths)?;
        }
        match self {
            Self::Tour => programs::tour(paths),
            Self::Test(arguments) => test::run(paths, &arguments),
            Self::Check => check::run(paths),
            Self::Hostile(arguments) => programs::hostile(&arguments),
            Self::Bench(arguments) => programs::bench(&arguments),
            Self::Wit { accept } => wit::run(paths, accept),
            Self::Languages => languages::build(paths).map(drop),
            Self::Usage => {
                print!("{USAGE}");
                Ok(())
            }
        }
    }
}

fn main() -> ExitCode {
    let Some(chore) = Chore::read(env::args_os().skip(1).collect()) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match Paths::find().and_then(|paths| chore.perform(&paths)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Chore> {
        Chore::read(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn what_follows_the_dashes_goes_to_cargo_test() {
        let Some(Chore::Test(arguments)) = read(&["test", "--", "-p", "xtask", "--", "--nocapture"]) else { panic!("not read as `test`") };
        assert_eq!(arguments, ["-p", "xtask", "--", "--nocapture"]);
    }

    #[test]
    fn words_without_a_meaning_are_refused() {
        for words in [&[][..], &["tset"], &["test", "-p", "xtask"], &["check", "all"], &["wit", "--acept"], &["tour", "--release"]] {
            assert!(read(words).is_none(), "{words:?} was accepted");
        }
    }

    #[test]
    fn the_tour_has_two_names() {
        for word in ["run", "tour"] {
            assert!(matches!(read(&[word]), Some(Chore::Tour)), "{word}");
        }
    }

    #[test]
    fn accepting_is_never_the_default() {
        assert!(matches!(read(&["wit"]), Some(Chore::Wit { accept: false })));
        assert!(matches!(read(&["wit", "--accept"]), Some(Chore::Wit { accept: true })));
    }
}
