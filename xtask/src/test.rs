//! `cargo xtask test`: all tests of the workspace, with the Python and JavaScript fixtures built first.
//!
//! The fixtures cost about a minute the first time and nothing until their sources change. The tests find them by environment variables;
//! where a language isn't installed its variable is unset, and the tests that need it say so and pass. The output is cargo's own.

use std::ffi::OsString;

use anyhow::Result;

use crate::languages;
use crate::paths::Paths;
use crate::step;

/// Runs the tests; `arguments` are handed to `cargo test` as they are.
pub(crate) fn run(paths: &Paths, arguments: &[OsString]) -> Result<()> {
    let components = languages::build(paths)?;
    let mut cargo = step::cargo();
    cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(arguments).current_dir(&paths.root);
    for variable in languages::VARIABLES {
        cargo.env_remove(variable);
    }
    cargo.envs(components);
    step::run("tests", &mut cargo)
}
