//! A plugin that goes back and forth between two components.
//!
//! They differ in their version, and so in their digest. State and kept versions are on the disk, as a daemon has them: SQLite, `synchronous`
//! NORMAL, and a folder. Each swap reads its component from a file, and each generation is told its number by the setting `generation`. A swap that is refused
//! ends the benchmark.

use super::idle::renamed;
use crate::lab::{Lab, granted};
use anyhow::{Context, Result, ensure};
use plugbay_runtime::engine::Isolation;
use plugbay_runtime::{Loaded, Order, Plugin, PluginId, Settings, Source, Versions, Wanted};
use serde_json::{Map, json};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

/// When a swap was asked for, and when it was done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Swap {
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// The plugin, in a host of its own.
pub(super) struct Swapped {
    pub(super) lab: Lab,
    pub(super) plugin: Arc<Plugin>,
    files: [PathBuf; 2],
    _folder: TempDir,
}

impl Swapped {
    /// A plugin of two versions of this component, the first of which serves.
    pub(super) async fn new(id: &str, component: &str) -> Result<Self> {
        let (folder, component) = (TempDir::new()?, fs::read(component)?);
        let versions = Versions::in_folder(&folder.path().join("versions"))?;
        let lab = Lab::keeping(&std::env::current_exe()?, |_| {}, |kept| kept.versions = versions)?;
        let files = ["1.0.0", "1.0.1"].map(|version| folder.path().join(format!("{version}.wasm")));
        for (file, version) in files.iter().zip(["1.0.0", "1.0.1"]) {
            fs::write(file, renamed(&component, id, version))?;
        }
        let id = PluginId::try_from(id.to_owned())?;
        let first = Source::file(files.last().context("there are two files")?);
        lab.plugins.apply(id.clone(), Wanted::running(first, settings(1)), Order::by("bench")).await?;
        let plugin = lab.plugins.get(id.as_str()).context("the plugin isn't there")?;
        Ok(Self { lab, plugin, files, _folder: folder })
    }

    /// The component that served first.
    pub(super) fn first(&self) -> Source {
        let [_, first] = &self.files;
        Source::file(first)
    }

    /// Swaps it once.
    pub(super) async fn swap(&self) -> Result<Swap> {
        let number = self.number() + 1;
        let file = self.files.get((number % 2) as usize).context("there are two files")?;
        let wanted = Wanted::running(Source::file(file), settings(number));
        let began = Instant::now();
        let done = self.lab.plugins.apply(self.plugin.id().clone(), wanted, Order::by("bench")).await?;
        let ended = Instant::now();
        ensure!(done.generation == number && matches!(done.loaded, Loaded::Replaced { .. }), "{done:?} instead of generation {number}");
        Ok(Swap { began, ended })
    }

    /// Swaps it so often, one after the other.
    pub(super) async fn swap_times(&self, times: usize) -> Result<Vec<Swap>> {
        let mut swaps = Vec::with_capacity(times);
        for _ in 0..times {
            swaps.push(self.swap().await?);
        }
        Ok(swaps)
    }

    /// Which generation serves.
    pub(super) fn number(&self) -> u64 {
        self.plugin.generation().map_or(0, |generation| generation.number())
    }
}

/// What generation this is told.
pub(super) fn settings(number: u64) -> Settings {
    let config = Map::from_iter([("generation".to_owned(), json!(number))]);
    Settings { config, isolation: Some(Isolation::Shared), ..granted() }
}
