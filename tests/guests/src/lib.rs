//! The components that tests, benchmarks and the tour run.
//!
//! What it is for: `built` has the paths of the Rust plugins, compiled by the build script; `odd` makes components that no compiler would,
//! byte by byte; `builds` has those of the operators' guide, `engines` and `crews` make as many
//! context engines, and plugins with subagents, as a test wants. What it costs: see `build.rs` for the first; microseconds for the second. How it
//! fails: at build time; each path exists.

pub mod builds;
pub mod crews;
pub mod engines;
pub mod odd;

/// The Rust plugins of this repository, as files.
pub mod built {
    include!(concat!(env!("OUT_DIR"), "/built.rs"));
}
