//! The program that is killed, and that has its disk filled: plugins on a state, and a line for each answer. `tests/durability.rs` starts it.
//!
//! `load STATE CACHE normal|full ROUND PLUGINS OPERATIONS` puts plugins under load until it is killed, or everything is done; `scene NAME STATE CACHE
//! normal|full` plays a scene; `turns STATE CACHE normal|full` has turns of agents until it is killed; `work STATE CACHE normal|full ROUND` has work
//! scheduled, done and delivered until it is killed, and `settle STATE CACHE normal|full` does what is left of that; `hold STATE MILLISECONDS` holds the write lock. Ends with 1 if
//! something isn't as it has to be, and says so on standard error.

use anyhow::{Context, Result, bail};
use plugbay_runtime::state::Synchronous;
use plugbay_tests::durability::{Amount, BAG, Host, Said, Scene, hold, load, options, play, rows, say, settle, turns, work};
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Cells of a plugin: enough that its own calls meet in the store.
const CELLS: NonZeroU16 = NonZeroU16::MIN.saturating_add(2);

fn main() -> ExitCode {
    if let Some(done) = plugbay_engine::serve_compile_child() {
        return done;
    }
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("durable-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["load", state, cache, mode, round, plugins, operations] => {
            let amount = Amount { round: round.parse()?, operations: operations.parse()? };
            runtime()?.block_on(under_load(Path::new(state), Path::new(cache), mode_of(mode)?, plugins.parse()?, amount))?;
        }
        ["scene", name, state, cache, mode] => {
            let scene = Scene::named(name).with_context(|| format!("no scene {name}"))?;
            runtime()?.block_on(play(scene, Path::new(state), Path::new(cache), mode_of(mode)?))?;
        }
        ["turns", state, cache, mode] => runtime()?.block_on(turns(Path::new(state), Path::new(cache), mode_of(mode)?))?,
        ["work", state, cache, mode, round] => {
            runtime()?.block_on(work(Path::new(state), Path::new(cache), mode_of(mode)?, round.parse()?))?;
        }
        ["settle", state, cache, mode] => runtime()?.block_on(settle(Path::new(state), Path::new(cache), mode_of(mode)?))?,
        ["hold", state, milliseconds] => hold(Path::new(state), Duration::from_millis(milliseconds.parse()?))?,
        _ => bail!("wrong arguments; the source says which are right"),
    }
    say(&Said::Done)
}

fn mode_of(word: &str) -> Result<Synchronous> {
    match word {
        "normal" => Ok(Synchronous::Normal),
        "full" => Ok(Synchronous::Full),
        other => bail!("{other}: expected normal or full"),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let prepare = plugbay_engine::Engine::prepare_thread;
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().on_thread_start(prepare).build()?)
}

async fn under_load(state: &Path, cache: &Path, mode: Synchronous, plugins: u64, amount: Amount) -> Result<()> {
    let host = Host::open(options(state, mode), cache, &std::env::current_exe()?)?;
    let mut bags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((owner, namespace, key), _) in rows(&host.state).await? {
        if namespace == BAG {
            bags.entry(owner).or_default().push(key);
        }
    }
    let mut loaded = Vec::new();
    for n in 0..plugins {
        let id = format!("p{n}");
        let left = bags.remove(&id).unwrap_or_default();
        loaded.push((host.load(&id, cache, CELLS).await?, left));
    }
    say(&Said::Ready)?;
    load(loaded, amount).await?;
    host.close().await;
    Ok(())
}
