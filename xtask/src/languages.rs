//! The fixtures in other languages: `tests/languages/python` and `tests/languages/js`, built into `target/languages`.
//!
//! A first build takes about a minute and downloads the pinned tools from PyPI and npm; an up-to-date fixture costs a hash of its sources
//! and of `wit/`. Nothing is written outside the target folder. A fixture whose language isn't installed is left out with one line on
//! stderr; where the language is there, everything that goes wrong is an error.

mod fixture;
mod js;
mod manifest;
mod python;

use std::path::PathBuf;

use anyhow::Result;

use crate::paths::Paths;
use crate::step;

/// The environment variables that the tests look at.
pub(crate) const VARIABLES: [&str; 2] = [python::LANGUAGE.variable, js::LANGUAGE.variable];

/// What differs between the languages.
struct Language {
    /// The name of the folder below `tests/languages`.
    folder: &'static str,
    /// The file that comes out.
    component: &'static str,
    /// The environment variable that tells tests where it is.
    variable: &'static str,
    /// The program without which there is no building.
    program: &'static str,
    /// Turns assembled sources into a component.
    build: fn(&fixture::Workplace) -> Result<()>,
}

/// Builds what can be built here and isn't up to date; answers with the variables that tests need.
pub(crate) fn build(paths: &Paths) -> Result<Vec<(&'static str, PathBuf)>> {
    let mut components = Vec::new();
    for language in [&python::LANGUAGE, &js::LANGUAGE] {
        if step::exists(language.program, &paths.root) {
            components.push((language.variable, fixture::build(paths, language)?));
        } else {
            eprintln!("xtask: skipping {}, and the tests that load it: there is no working {} here", language.component, language.program);
        }
    }
    Ok(components)
}
