//! `idle-plugin-kib`: what a plugin that waits costs in memory.
//!
//! So many plugins with so many different digests, loaded, active and called once each; then what the process has grown by, each. Anonymous
//! memory counts, which nobody shares and nothing can take back; resident memory stands beside it. It is measured in two processes of their
//! own, so that nothing else has been going on there: the first compiles every plugin, the second finds all of them in the cache. The row is
//! the worse one. A minute or two, nearly all of it for compiling, two at a time.

use super::row::Row;
use crate::lab::{Lab, granted, tool_call};
use anyhow::{Context, Result, bail, ensure};
use plugbay_runtime::{Call, Plugin};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The hidden argument of the process that is measured.
const CHILD: &str = "__idle-plugins";

/// Plugins that are there before the first look at the memory: what the first ones cost belongs to the host.
const FIRST: usize = 5;

/// What a process has grown by.
#[derive(Debug, Serialize, Deserialize)]
struct Growth {
    anonymous_kib: f64,
    resident_kib: f64,
    seconds: f64,
}

/// Measures in two processes, one after the other.
pub(super) fn memory(plugins: usize) -> Result<Vec<Row>> {
    let cache = tempfile::TempDir::new()?;
    let compiled = child(cache.path(), plugins)?;
    let mapped = child(cache.path(), plugins)?;
    let note = |growth: &Growth, how: &str| {
        let Growth { anonymous_kib, resident_kib, seconds } = growth;
        format!("{how}: {anonymous_kib:.1} anonymous, {resident_kib:.1} resident, loaded in {seconds:.1} s")
    };
    let worse = compiled.anonymous_kib.max(mapped.anonymous_kib);
    let row = Row::alone("idle-plugin-kib", "KiB", worse, 200.0).note(note(&compiled, &format!("{plugins} plugins, all compiled first")));
    Ok(vec![row.note(note(&mapped, &format!("{plugins} plugins, all from the cache")))])
}

fn child(cache: &Path, plugins: usize) -> Result<Growth> {
    let output = Command::new(std::env::current_exe()?).arg(CHILD).arg(cache).arg(plugins.to_string()).output()?;
    if !output.status.success() {
        bail!("the process that loads {plugins} plugins: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures and prints, if this process was started for it.
///
/// # Errors
/// If a plugin can't be loaded, or this system doesn't say how much memory is in use.
pub(super) fn serve_child(arguments: &[String]) -> Result<bool> {
    match arguments {
        [child, cache, plugins] if child == CHILD => {
            let growth = super::runtime()?.block_on(grow(Path::new(cache), plugins.parse()?))?;
            println!("{}", serde_json::to_string(&growth)?);
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn grow(cache: &Path, plugins: usize) -> Result<Growth> {
    let lab = Lab::with(&std::env::current_exe()?, |settings| {
        settings.cells = u32::try_from(plugins + FIRST + 50).unwrap_or(u32::MAX);
        if let Some(kept) = &mut settings.cache {
            (kept.folder, kept.key) = (cache.join("cache"), cache.join("cache.key"));
        }
    })?;
    let (lab, component) = (Arc::new(lab), Arc::<[u8]>::from(fs::read(plugbay_guests::built::SHELL_GUARD)?));
    let mut kept = load(&lab, &component, 0..FIRST).await?;
    let (before, start) = (Memory::now()?, Instant::now());
    let halves = (FIRST + plugins / 2, FIRST + plugins);
    let first = tokio::spawn(load_in_turn(lab.clone(), component.clone(), FIRST, halves.0));
    let second = tokio::spawn(load_in_turn(lab.clone(), component, halves.0, halves.1));
    kept.extend(first.await??);
    kept.extend(second.await??);
    let seconds = start.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = Memory::now()?;
    ensure!(kept.len() == plugins + FIRST, "{} plugins were loaded", kept.len());
    let each = |before: u64, after: u64| (after as f64 - before as f64) / plugins as f64;
    Ok(Growth { anonymous_kib: each(before.anonymous, after.anonymous), resident_kib: each(before.resident, after.resident), seconds })
}

async fn load_in_turn(lab: Arc<Lab>, component: Arc<[u8]>, from: usize, to: usize) -> Result<Vec<Arc<Plugin>>> {
    load(&lab, &component, from..to).await
}

/// Loads plugins of these numbers and calls each once.
async fn load(lab: &Lab, component: &[u8], numbers: std::ops::Range<usize>) -> Result<Vec<Arc<Plugin>>> {
    let event = tool_call("shell", &json!({ "command": "ls" }));
    let mut loaded = Vec::with_capacity(numbers.len());
    for number in numbers {
        let id = format!("idle-{number}");
        let (plugin, _) = lab.load(&id, &renamed(component, &id, "1.0.0"), granted()).await?;
        plugin.call(&Call::new(), &event).await?;
        loaded.push(plugin);
    }
    Ok(loaded)
}

/// The component under another id or version, and so with another digest: a manifest at the top level wins over the one inside.
pub(super) fn renamed(component: &[u8], id: &str, version: &str) -> Vec<u8> {
    const NAME: &str = "plugbay:manifest";
    let manifest = format!(r#"{{"id":"{id}","version":"{version}"}}"#);
    let length = |n: usize| u8::try_from(n).unwrap_or(u8::MAX) & 0x7f; // one byte of LEB128: all of this is shorter than 128 bytes
    let mut renamed = component.to_vec();
    renamed.extend([0, length(1 + NAME.len() + manifest.len()), length(NAME.len())]);
    renamed.extend(NAME.bytes().chain(manifest.bytes()));
    renamed
}

/// Memory of this process, in KiB.
pub(super) struct Memory {
    pub(super) anonymous: u64,
    pub(super) resident: u64,
}

impl Memory {
    /// What is in use now.
    ///
    /// # Errors
    /// If this system doesn't say.
    pub(super) fn now() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status").context("how much memory is in use is read from Linux's /proc")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kib = line.and_then(|value| value.split_whitespace().next()?.parse().ok());
            kib.with_context(|| format!("/proc/self/status has no {name}"))
        };
        Ok(Self { anonymous: field("RssAnon")?, resident: field("VmRSS")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touched_memory_shows() {
        let before = Memory::now().unwrap();
        let block = std::hint::black_box(vec![1_u8; 32 << 20]);
        let after = Memory::now().unwrap();
        assert!(after.anonymous >= before.anonymous + 30_000 && after.resident >= after.anonymous, "{}", block.len());
    }

    #[test]
    fn a_renamed_component_has_one_more_section() {
        let renamed = renamed(b"component", "idle-7", "1.0.0");
        assert_eq!(renamed.get(9..12), Some([0, 17 + 33, 16].as_slice()));
        assert!(renamed.ends_with(br#"{"id":"idle-7","version":"1.0.0"}"#));
    }
}
