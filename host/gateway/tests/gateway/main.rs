//! The gateway, with real guests.

#![cfg(test)]

mod approvals;
mod context;
mod dying;
mod hooks;
mod model;
mod services;
mod sessions;
mod subagents;
mod tools;
mod turns;
mod workflow;

use plugbay_gateway::runtime::engine::{CacheSettings, CompileIn, Engine, EngineSettings};
use std::path::Path;

/// An engine for one test. What it compiles is kept for the others.
fn engine() -> Engine {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let kept = CacheSettings { folder: folder.join("compiled"), key: folder.join("compiled.key") };
    Engine::new(EngineSettings { cells: 40, cache: Some(kept), ..EngineSettings::new(CompileIn::Thread) }).unwrap()
}
