//! `boot-100`: how long a host that was stopped takes until a hundred plugins serve again.
//!
//! The plugins are Rust plugins of this repository, under a hundred ids and so with a hundred digests. Their compiled code, the state and the kept versions are
//! on the disk from the process before. Each boot is a process of its own, and what is measured there is all that a host does: an engine, the state, what it
//! remembers, and an order of every plugin's file, sixteen at once as in the daemon; it ends when every plugin is active, and then each is called.
//! The row is the median of the boots. Half a minute, most of it for compiling a hundred plugins first.

use super::idle::renamed;
use super::load::quantile;
use super::row::Row;
use crate::lab::{granted, tool_call};
use anyhow::{Context, Result, ensure};
use plugbay_guests::built::{BENCH_GUEST, ECHO_ONE, ECHO_TWO, LEDGER, NO_SHELL, PROBE, SHELL_GUARD};
use plugbay_runtime::engine::{CacheSettings, CompileIn, Engine, EngineSettings};
use plugbay_runtime::state::{Sqlite, SqliteSettings, StateStore};
use plugbay_runtime::{Call, Order, PluginId, Plugins, PluginsSettings, Source, Standing, Versions, Wanted};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The hidden argument of the process that boots.
const CHILD: &str = "__boot";

/// Plugins.
const PLUGINS: usize = 100;

/// Plugins that are brought up at once, as in the daemon.
const AT_ONCE: usize = 16;

/// Boots that count.
const BOOTS: usize = 15;

/// What the plugins are copies of.
const KINDS: [&str; 7] = [SHELL_GUARD, ECHO_ONE, ECHO_TWO, LEDGER, NO_SHELL, PROBE, BENCH_GUEST];

/// What a boot took.
#[derive(Debug, Serialize, Deserialize)]
struct Boot {
    /// Until there was a host that knew its plugins.
    host: Duration,
    /// Until all of them served.
    all: Duration,
}

/// Boots again and again.
pub(super) fn boots() -> Result<Vec<Row>> {
    let folder = tempfile::TempDir::new()?;
    place(&folder.path().join("plugins"))?;
    let first = child(folder.path())?;
    let boots = (0..BOOTS).map(|_| child(folder.path())).collect::<Result<Vec<_>>>()?;
    let all = |part| quantile(boots.iter().map(|boot| boot.all), part) / 1e3;
    let host = quantile(boots.iter().map(|boot| boot.host), 0.5) / 1e3;
    let row = Row::alone("boot-100", "ms", all(0.5), 500.0)
        .note(format!(
            "{BOOTS} boots, each a process: shortest {:.0}, longest {:.0}; {host:.0} of it until the host knew its plugins",
            all(0.0),
            all(1.0)
        ))
        .note(format!("the first one, which compiled and kept all of them: {:.1} s", first.all.as_secs_f64()));
    Ok(vec![row])
}

/// Writes the plugins' files.
fn place(folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    let kinds = KINDS.iter().map(fs::read).collect::<std::io::Result<Vec<_>>>()?;
    for (n, kind) in kinds.iter().cycle().take(PLUGINS).enumerate() {
        let id = format!("plugin-{n}");
        fs::write(folder.join(format!("{id}.wasm")), renamed(kind, &id, "1.0.0"))?;
    }
    Ok(())
}

fn child(folder: &Path) -> Result<Boot> {
    let output = Command::new(std::env::current_exe()?).arg(CHILD).arg(folder).output()?;
    ensure!(output.status.success(), "the process that boots: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Boots and prints what it took, if this process was started for it.
///
/// # Errors
/// If a plugin isn't active then.
pub(super) fn serve_child(arguments: &[String]) -> Result<bool> {
    match arguments {
        [child, folder] if child == CHILD => {
            let began = Instant::now();
            let boot = super::runtime()?.block_on(boot(Path::new(folder), began))?;
            println!("{}", serde_json::to_string(&boot)?);
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn boot(folder: &Path, began: Instant) -> Result<Boot> {
    let plugins = host(folder).await?;
    let host = began.elapsed();
    let files = fs::read_dir(folder.join("plugins"))?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    settle(&plugins, files).await?;
    let all = began.elapsed();
    let known = plugins.all();
    ensure!(known.len() == PLUGINS, "{} plugins are known", known.len());
    for plugin in known {
        let standing = plugin.listing().standing;
        ensure!(standing == Standing::Active, "{} is {standing}", plugin.id());
        answers(&plugin).await.with_context(|| format!("calling {}", plugin.id()))?;
    }
    plugins.shutdown(Duration::from_secs(5)).await;
    Ok(Boot { host, all })
}

/// A host that knows its plugins, with everything in this folder.
async fn host(folder: &Path) -> Result<Plugins> {
    let state: Arc<dyn StateStore> = Arc::new(Sqlite::open(SqliteSettings::new(folder.join("state")))?);
    let cache = CacheSettings { folder: folder.join("cache"), key: folder.join("state/cache.key") };
    let engine = Engine::new(EngineSettings { cache: Some(cache), ..EngineSettings::new(CompileIn::Child(std::env::current_exe()?)) })?;
    let settings = PluginsSettings { versions: Versions::in_folder(&folder.join("versions"))?, ..PluginsSettings::default() };
    let plugins = Plugins::with(engine, state, settings)?;
    plugins.recall().await.map_err(anyhow::Error::msg)?;
    Ok(plugins)
}

/// Orders every file's plugin.
async fn settle(plugins: &Plugins, files: Vec<PathBuf>) -> Result<()> {
    let mut settling = JoinSet::new();
    for file in files {
        if settling.len() >= AT_ONCE {
            settling.join_next().await.transpose()?.transpose()?;
        }
        let plugins = plugins.clone();
        settling.spawn(async move {
            let id = PluginId::try_from(file.file_stem().unwrap_or_default().to_string_lossy().into_owned())?;
            plugins.apply(id, Wanted::running(Source::file(file), granted()), Order::boot()).await?;
            anyhow::Ok(())
        });
    }
    while let Some(settled) = settling.join_next().await {
        settled??;
    }
    Ok(())
}

/// Calls a plugin once. What it says doesn't matter; that it has no such tool is an answer.
async fn answers(plugin: &plugbay_runtime::Plugin) -> Result<()> {
    match plugin.call(&Call::new(), &tool_call("echo", &json!({}))).await {
        Ok(_) | Err(plugbay_runtime::engine::CallError::Failed(_)) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
