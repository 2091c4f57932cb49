//! `cargo xtask tour`, `hostile` and `bench`: programs of this repository that show, attack and measure a host.
//!
//! Each costs its build the first time. `tour` and `hostile` use the development profile, whose dependencies are optimised, so that nothing
//! is built twice; `bench` builds for release. They fail as their program does. The tour is a test of the daemon's that says what it does.

use std::ffi::OsString;

use anyhow::Result;

use crate::paths::Paths;
use crate::step;

/// Plays the story against the real program; it fails where something else happens than it says.
pub(crate) fn tour(paths: &Paths) -> Result<()> {
    let mut cargo = step::cargo();
    cargo.args(["test", "--locked", "--package", "plugbay", "--test", "tour", "--", "--nocapture"]).current_dir(&paths.root);
    step::run("the tour", &mut cargo)
}

/// Runs every hostile component against a live host. A `FILE` among the arguments is meant from where the caller stands.
pub(crate) fn hostile(arguments: &[OsString]) -> Result<()> {
    let mut cargo = step::cargo();
    cargo.args(["run", "--locked", "--package", "plugbay-tests", "--bin", "hostile", "--"]).args(arguments);
    step::run("hostile components", &mut cargo)
}

/// Measures. A `FILE` among the arguments is meant from where the caller stands.
pub(crate) fn bench(arguments: &[OsString]) -> Result<()> {
    let mut cargo = step::cargo();
    cargo.args(["run", "--locked", "--release", "--package", "plugbay-tests", "--bin", "bench", "--"]).args(arguments);
    step::run("benchmarks", &mut cargo)
}
