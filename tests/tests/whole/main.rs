//! Tests of the whole: plugins that were built from this repository, in a host as an embedder would set it up.

#![cfg(test)]

mod agents;
mod breaker;
mod calls;
mod conformance;
mod contract;
mod counter;
mod examples;
mod handover;
mod hooks_matrix;
mod hostile;
mod isolation;
mod languages;
mod lifecycle;
mod loading;
mod lossless;
mod probation;
mod services;
mod services_cells;
mod services_changes;
mod stopping;
mod store;
mod swapping;
mod ten;
mod versions;

use plugbay_engine::CacheSettings;
use plugbay_tests::lab::Lab;
use std::path::Path;

/// A host for one test. What it compiles is kept for the others.
fn lab() -> Lab {
    Lab::with(compiler(), |settings| settings.cache = Some(kept())).unwrap()
}

/// Where compiled code is kept for all tests.
fn kept() -> CacheSettings {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    CacheSettings { folder: place.join("compiled"), key: place.join("compiled.key") }
}

/// The program that compiles.
fn compiler() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_compile-child"))
}
