//! The command line of the benchmarks. What isn't understood is refused with the list of what is.

use super::NAMES;
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;

/// How to ask.
pub const USAGE: &str = "cargo xtask bench [--only NAME,…] [--json FILE] [--rounds N] [--plugins N]

  --only NAME,…   some benchmarks: hook-call-100b, hook-call-10k, json-10k, host-import, fresh-cell, cache-load, keyed-lookup,
                  keyed-lookup-many-100, keyed-register-1, keyed-register-16, keyed-register-16-full, idle-plugin-kib, noisy-neighbour,
                  swap-storm, swap-handover, swap-bystander, enable-disable, boot-100, hook-chain-10, observers-10, turn-offline,
                  transcript-10k, sessions-1000, contexts, schedule-10k, action-call
  --json FILE     write the rows there as well
  --rounds N      rounds of each comparison, at least 15 (default 41)
  --plugins N     plugins of idle-plugin-kib (default 1000)";

/// The fewest rounds whose median says something.
const FEWEST_ROUNDS: usize = 15;

/// What to measure.
#[derive(Debug)]
pub struct Options {
    only: Vec<String>,
    pub(super) json: Option<PathBuf>,
    pub(super) rounds: usize,
    pub(super) plugins: usize,
}

impl Options {
    /// Reads the command line; none: help was asked for.
    ///
    /// # Errors
    /// Says which word isn't understood.
    pub fn read(arguments: &[String]) -> Result<Option<Self>> {
        let mut options = Self { only: Vec::new(), json: None, rounds: 41, plugins: 1_000 };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if matches!(word.as_str(), "-h" | "--help") {
                return Ok(None);
            }
            let value = words.next().with_context(|| format!("`{word}` stands alone\n\n{USAGE}"))?;
            options.set(word, value)?;
        }
        Ok(Some(options))
    }

    fn set(&mut self, word: &str, value: &str) -> Result<()> {
        let number = || value.parse::<usize>().with_context(|| format!("{word}: `{value}` is no number"));
        match word {
            "--only" => self.only = value.split(',').map(known).collect::<Result<_>>()?,
            "--json" => self.json = Some(value.into()),
            "--rounds" => self.rounds = number()?,
            "--plugins" => self.plugins = number()?,
            _ => bail!("`{word}` isn't known\n\n{USAGE}"),
        }
        ensure!(self.rounds >= FEWEST_ROUNDS, "--rounds: at least {FEWEST_ROUNDS}");
        ensure!(self.plugins > 0, "--plugins: at least one");
        Ok(())
    }

    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }
}

fn known(name: &str) -> Result<String> {
    ensure!(NAMES.contains(&name), "there is no benchmark `{name}`; there are {}", NAMES.join(", "));
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Option<Options>> {
        Options::read(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_named_is_wanted_and_without_names_everything() {
        let some = read("--only json-10k,fresh-cell --rounds 20").unwrap().unwrap();
        assert!(some.wants("json-10k") && some.wants("fresh-cell") && !some.wants("cache-load"));
        assert_eq!(some.rounds, 20);
        let all = read("").unwrap().unwrap();
        assert!(NAMES.iter().all(|name| all.wants(name)));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (words, named) in
            [("--only jso", "jso"), ("--fast 1", "--fast"), ("--json", "--json"), ("--rounds few", "few"), ("--rounds 3", "15")]
        {
            assert!(read(words).unwrap_err().to_string().contains(named), "{words}");
        }
        assert!(read("--help").unwrap().is_none());
    }

    #[test]
    fn the_usage_names_every_benchmark() {
        assert!(NAMES.iter().all(|name| USAGE.contains(name)));
    }
}
