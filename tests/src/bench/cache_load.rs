//! `cache-load`: a component whose compiled code is in the cache, against raw `deserialize` of that code from memory.
//!
//! Ours looks at the component's bytes, takes their digest, reads the compiled code, verifies its keyed hash and maps it. Raw does none of that.

use super::rounds::{Compared, nanos_each};
use super::row::Row;
use super::stage::Stage;
use anyhow::Result;
use plugbay_runtime::engine::{Isolation, Limits};
use serde_json::Map;
use std::fs;
use std::time::Instant;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads in a row; what was loaded is dropped when the time was taken.
const BATCH: u32 = 20;

pub(super) async fn load(rounds: usize) -> Result<Vec<Row>> {
    let path = plugbay_guests::built::SHELL_GUARD;
    let stage = Stage::built("shell-guard", path, Map::new(), Isolation::Shared).await?;
    let (bytes, limits) = (fs::read(path)?, Limits::default());
    let artifact = stage.component.serialize()?;
    let mut loaded = Vec::with_capacity(BATCH as usize);
    let ours = async || {
        loaded.clear();
        let start = Instant::now();
        for _ in 0..BATCH {
            loaded.push(stage.lab.engine.load(&stage.lab.engine.admit(bytes.clone())?, &limits).await?);
        }
        Ok(nanos_each(start, BATCH))
    };
    let mut components = Vec::with_capacity(BATCH as usize);
    let raw = async || {
        components.clear();
        let start = Instant::now();
        for _ in 0..BATCH {
            components.push(deserialize(stage.lab.engine.wasm(), &artifact)?);
        }
        Ok(nanos_each(start, BATCH))
    };
    let row = Compared::measure(rounds, ours, raw).await?.row(("cache-load", "ns"), "raw deserialize from bytes", 1.0);
    let (wasm, compiled) = (bytes.len() >> 10, artifact.len() >> 10);
    Ok(vec![row.note(format!("{wasm} KiB of wasm, {compiled} KiB of compiled code"))])
}

/// Raw loading, as its documentation shows.
#[allow(unsafe_code, reason = "the baseline is an unsafe function of wasmtime's")]
fn deserialize(engine: &Engine, artifact: &[u8]) -> Result<Component> {
    // SAFETY: the artifact was serialized a moment ago, from a component of the same engine.
    Ok(unsafe { Component::deserialize(engine, artifact) }?)
}
