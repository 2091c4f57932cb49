//! `cargo xtask check`: what has to hold before any test runs.
//!
//! Costs a check build of the workspace and its docs. Stops at the first step that fails, with that tool's own output above.

use anyhow::Result;

use crate::paths::Paths;
use crate::{step, wit};

/// Runs the checks, cheap ones first.
pub(crate) fn run(paths: &Paths) -> Result<()> {
    step::run("format check", step::cargo().args(["fmt", "--all", "--check"]).current_dir(&paths.root))?;
    wit::run(paths, false)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
    step::run("clippy", step::cargo().args(clippy).current_dir(&paths.root))?;
    let mut docs = step::cargo();
    docs.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "--deny warnings").current_dir(&paths.root);
    step::run("docs", &mut docs)
}
