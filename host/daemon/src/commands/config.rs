//! `plugbay config`: whether a configuration is right, and what one may say. Neither needs a daemon.

use super::End;
use super::reach::Reach;
use crate::config::{self, ConfigError, ConfigFile, FileError};
use crate::output;
use anyhow::{Result, bail};
use clap::Subcommand;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a file and say everything that is wrong with it.
    Check {
        /// The file. Left out: the configuration.
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of plugbay.toml, for editors.
    Schema,
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    ok: bool,
    problems: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    line: usize,
    column: usize,
    what: &'a str,
    hint: Option<&'a str>,
}

impl Command {
    pub(crate) fn run(self, reach: &Reach) -> Result<End> {
        match self {
            Self::Check { file } => check(file.as_ref().unwrap_or(&reach.config), reach.json),
            Self::Schema => output::print(&format!("{:#}\n", config::schema())).map(|()| End::Done),
        }
    }
}

fn check(file: &Path, json: bool) -> Result<End> {
    if !file.exists() {
        bail!("there is no {}; without it, every setting has its default", file.display());
    }
    let error = match ConfigFile::read(file) {
        Ok(_) => None,
        Err(FileError::Invalid(error)) => Some(error),
        Err(other) => return Err(other.into()),
    };
    let printed = if json {
        output::print_json(&Report { file, ok: error.is_none(), problems: error.as_ref().map(problems).unwrap_or_default() })
    } else {
        output::print(&error.as_ref().map_or_else(|| format!("{} is right\n", file.display()), in_words))
    };
    output::unless_nobody_reads(printed)?;
    Ok(if error.is_none() { End::Done } else { End::Refused })
}

fn problems(error: &ConfigError) -> Vec<Shown<'_>> {
    error.problems().iter().map(|p| Shown { line: p.line, column: p.column, what: &p.what, hint: p.hint.as_deref() }).collect()
}

/// Each problem with its place and its line, as the file's own lines show it.
pub(super) fn in_words(error: &ConfigError) -> String {
    error.to_string().lines().map(|line| output::one_line(line) + "\n").collect()
}
