//! What goes wrong with a disk, played in a program of its own: each step is said, and whoever started it compares.
//!
//! A full disk is a limit on the size of files, or a small file system that only this program sees; a read-only one is always the latter. The scene
//! itself checks at its end that everything acknowledged is there and that the file is sound, since nobody else can see such a file system.

use super::host::{Answer, Host, ask, options};
use super::load::BAG;
use super::said::{Said, say};
use super::{files, host};
use anyhow::{Context, Result, bail, ensure};
use plugbay_runtime::Plugin;
use plugbay_runtime::state::{Sqlite, Synchronous};
use rusqlite::Connection;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a file, where a limit makes the disk full.
const LARGEST_FILE: u64 = 512 << 10;
/// Rows that are tried at most until the disk is full.
const TRIES: usize = 900;

/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// No file may grow beyond its limit. SIGXFSZ has to be ignored by whoever starts the program.
    FullFile,
    /// The state is on a small file system of the program's own, which is given room later.
    FullMount,
    /// The state is on a file system of the program's own, which is read-only for a while.
    ReadOnly,
}

impl Scene {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullFile => "full-file",
            Self::FullMount => "full-mount",
            Self::ReadOnly => "read-only",
        }
    }

    /// The scene of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::FullFile, Self::FullMount, Self::ReadOnly].into_iter().find(|scene| scene.name() == name)
    }
}

/// Plays a scene to its end.
///
/// # Errors
/// If something acknowledged is lost, or the host can't go on.
pub async fn play(scene: Scene, state: &Path, cache: &Path, synchronous: Synchronous) -> Result<()> {
    match scene {
        Scene::FullFile | Scene::FullMount => full(scene, state, cache, synchronous).await,
        Scene::ReadOnly => read_only(state, cache, synchronous).await,
    }
}

/// Holds the write lock of a database for so long, as another program would.
///
/// # Errors
/// If it can't be had.
pub fn hold(state: &Path, time: Duration) -> Result<()> {
    let database = Connection::open(state.join(plugbay_runtime::state::DATABASE_FILE))?;
    database.execute_batch("BEGIN IMMEDIATE")?;
    went("held")?;
    std::thread::sleep(time);
    database.execute_batch("COMMIT")?;
    went("released")
}

fn went(step: &str) -> Result<()> {
    say(&Said::Went { step: step.to_owned() })
}

/// Two plugins, and what the first was told is there.
struct Stage {
    host: Host,
    writer: Arc<Plugin>,
    neighbour: Arc<Plugin>,
    there: BTreeMap<String, String>,
}

impl Stage {
    async fn set(state: &Path, cache: &Path, synchronous: Synchronous) -> Result<Self> {
        let host = Host::open(options(state, synchronous), cache, &std::env::current_exe()?)?;
        let writer = host.load("writer", cache, NonZeroU16::MIN).await?;
        let neighbour = host.load("neighbour", cache, NonZeroU16::MIN).await?;
        Ok(Self { host, writer, neighbour, there: BTreeMap::new() })
    }

    /// Registers; what is acknowledged is noted, and what is refused is said. Whether it was acknowledged.
    async fn register(&mut self, key: &str, value: String) -> Result<bool> {
        match ask(&self.writer, "register", BAG, key, &value).await? {
            Answer::Ok(_) => {
                self.there.insert(key.to_owned(), value);
                Ok(true)
            }
            Answer::Refused { code, operation, message } => {
                say(&Said::Refused { plugin: "writer".into(), code, operation, message })?;
                Ok(false)
            }
        }
    }

    /// Registers values of this length until one is refused.
    async fn fill(&mut self, name: &str, length: usize) -> Result<usize> {
        for n in 0..TRIES {
            if !self.register(&format!("{name}{n}"), "x".repeat(length)).await? {
                return Ok(n);
            }
        }
        bail!("{TRIES} rows, and no end")
    }

    /// Everything that was acknowledged can be read.
    async fn all_there(&self) -> Result<()> {
        for (key, value) in &self.there {
            let found = ask(&self.writer, "lookup", BAG, key, "").await?.ok()?;
            ensure!(found.as_str() == Some(value), "{key} was acknowledged, and isn't there");
        }
        Ok(())
    }

    /// Consumes; whatever the answer is, it is the truth.
    async fn consume(&mut self, key: &str) -> Result<()> {
        match ask(&self.writer, "consume", BAG, key, "").await? {
            Answer::Ok(value) => {
                let there = self.there.remove(key).context("nothing to consume")?;
                ensure!(value.as_str() == Some(&there), "{key} was consumed as something else");
            }
            Answer::Refused { code, operation, message } => {
                say(&Said::Refused { plugin: "writer".into(), code, operation, message })?;
            }
        }
        Ok(())
    }
}

async fn full(scene: Scene, state: &Path, cache: &Path, synchronous: Synchronous) -> Result<()> {
    let mut stage = Stage::set(state, cache, synchronous).await?;
    ask(&stage.neighbour, "register", BAG, "mine", "kept").await?.ok()?;
    let room = getrlimit(Resource::Fsize);
    if scene == Scene::FullFile {
        setrlimit(Resource::Fsize, Rlimit { current: Some(LARGEST_FILE), ..room })?;
    }
    ensure!(stage.fill("large", 32 << 10).await? > 0, "nothing fits");
    stage.fill("small", 8).await?;
    went("full")?;
    stage.consume("large0").await?;
    let mine = ask(&stage.neighbour, "lookup", BAG, "mine", "").await?.ok()?;
    ensure!(mine == "kept", "the neighbour's row is {mine}");
    went("the neighbour reads")?;
    stage.all_there().await?;
    match scene {
        Scene::FullFile => setrlimit(Resource::Fsize, room)?,
        _ => remount(state, "size=64m")?,
    }
    ensure!(stage.register("after", "room again".into()).await?, "there is room, and it writes nothing");
    ask(&stage.neighbour, "register", BAG, "mine", "kept too").await?.ok()?;
    went("room again")?;
    stage.all_there().await?;
    stage.consume("large1").await?;
    ended(stage, state, cache, synchronous).await
}

/// Closes the state; opens it again and looks for everything.
async fn ended(stage: Stage, state: &Path, cache: &Path, synchronous: Synchronous) -> Result<()> {
    let there = stage.there;
    stage.host.close().await;
    drop((stage.writer, stage.neighbour));
    files::sound(state)?;
    let stage = Stage { there, ..Stage::set(state, cache, synchronous).await? };
    stage.all_there().await?;
    let count = ask(&stage.writer, "count", BAG, "", "").await?.ok()?;
    ensure!(count == stage.there.len(), "{count} rows, where {} are known", stage.there.len());
    stage.host.close().await;
    went("all there")
}

async fn read_only(state: &Path, cache: &Path, synchronous: Synchronous) -> Result<()> {
    let mut stage = Stage::set(state, cache, synchronous).await?;
    for n in 0..5 {
        ensure!(stage.register(&format!("k{n}"), format!("v{n}")).await?, "nothing can be written");
    }
    let there = std::mem::take(&mut stage.there);
    stage.host.close().await;
    drop((stage.writer, stage.neighbour));
    remount(state, "ro")?;
    match Sqlite::open(host::options(state, synchronous)) {
        Ok(_) => bail!("a state that can't be written was opened"),
        Err(error) => say(&Said::Refused {
            plugin: String::new(),
            code: error.code.to_string(),
            operation: error.operation.to_string(),
            message: error.message,
        })?,
    }
    let elsewhere = Stage::set(&cache.join("elsewhere"), cache, synchronous).await?;
    ask(&elsewhere.neighbour, "register", BAG, "mine", "kept").await?.ok()?;
    went("the host lives, with its state elsewhere")?;
    elsewhere.host.close().await;
    remount(state, "rw")?;
    let mut stage = Stage { there, ..Stage::set(state, cache, synchronous).await? };
    stage.all_there().await?;
    ensure!(stage.register("after", "writable again".into()).await?, "it can be written, and isn't");
    ended(stage, state, cache, synchronous).await
}

/// Changes a file system that is this program's own.
fn remount(folder: &Path, change: &str) -> Result<()> {
    let done = Command::new("mount").args(["-o", &format!("remount,{change}")]).arg(folder).status()?;
    ensure!(done.success(), "mount -o remount,{change}: {done}");
    Ok(())
}
