//! Benchmarks: what the host adds to raw wasmtime, in figures that mean the same on any machine.
//!
//! Each baseline is raw wasmtime (or what its name says) doing the same guest work by the same compiled component, on the same engine, in the
//! same run, round by round in turn with ours; the ratio is the median of the rounds' ratios, since machines drift. A module here measures one
//! row, or a few that belong together. All of them together take some minutes, most of it for the plugins of `idle-plugin-kib`, which have to
//! be compiled first. A bar that is missed is said in its row.

mod action_call;
mod agent;
mod boot;
mod cache_load;
mod contexts;
mod enable_disable;
mod fresh_cell;
mod hook_call;
mod hook_chain;
mod host_import;
mod idle;
mod json;
mod keyed_guest;
mod keyed_raw;
mod keyed_reads;
mod keyed_sql;
mod keyed_writes;
mod load;
mod noisy;
mod observers;
mod options;
mod raw;
mod raw_chain;
mod rounds;
mod row;
mod schedule;
mod sessions;
mod stage;
mod swap_bystander;
mod swap_handover;
mod swap_storm;
mod swapped;
mod timed;
mod transcript;
mod turns;

pub use options::{Options, USAGE};

use anyhow::{Context, Result};
use plugbay_runtime::engine::Engine;
use plugbay_runtime::state::Synchronous;
use row::Row;
use tokio::runtime::{Builder, Runtime};

/// The benchmarks, by the name of the first row of each.
const NAMES: [&str; 26] = [
    "hook-call-100b",
    "hook-call-10k",
    "json-10k",
    "host-import",
    "fresh-cell",
    "cache-load",
    "keyed-lookup",
    "keyed-lookup-many-100",
    "keyed-register-1",
    "keyed-register-16",
    "keyed-register-16-full",
    "idle-plugin-kib",
    "noisy-neighbour",
    "swap-storm",
    "swap-handover",
    "swap-bystander",
    "enable-disable",
    "boot-100",
    "hook-chain-10",
    "observers-10",
    "turn-offline",
    "transcript-10k",
    "sessions-1000",
    "contexts",
    "schedule-10k",
    "action-call",
];

/// Worker threads of the host that is measured.
const WORKERS: usize = 2;

/// Measures what was asked for and says what came out.
///
/// # Errors
/// If something can't be measured.
pub fn run(options: &Options) -> Result<()> {
    let runtime = runtime()?;
    let mut rows = Vec::new();
    for name in NAMES.into_iter().filter(|name| options.wants(name)) {
        eprintln!("measuring {name} …");
        rows.extend(measure(&runtime, name, options).with_context(|| format!("measuring {name}"))?);
    }
    print!("{}", row::table(&rows));
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_vec_pretty(&rows)?).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Measures and prints, if this process was started by a benchmark that measures in a process of its own.
///
/// # Errors
/// If that can't be measured.
pub fn serve_child(arguments: &[String]) -> Result<bool> {
    Ok(idle::serve_child(arguments)? || boot::serve_child(arguments)? || sessions::serve_child(arguments)?)
}

fn measure(runtime: &Runtime, name: &str, options: &Options) -> Result<Vec<Row>> {
    let rounds = options.rounds;
    match name {
        "hook-call-100b" => runtime.block_on(hook_call::tool_call(rounds)),
        "hook-call-10k" => runtime.block_on(hook_call::message(rounds)),
        "json-10k" => runtime.block_on(json::check(rounds)),
        "host-import" => runtime.block_on(host_import::imports(rounds)),
        "fresh-cell" => runtime.block_on(fresh_cell::fresh(rounds)),
        "cache-load" => runtime.block_on(cache_load::load(rounds)),
        "keyed-lookup" => runtime.block_on(keyed_reads::lookup(rounds)),
        "keyed-lookup-many-100" => runtime.block_on(keyed_reads::lookup_many(rounds)),
        "keyed-register-1" => runtime.block_on(keyed_writes::one(rounds)),
        "keyed-register-16" => runtime.block_on(keyed_writes::sixteen(rounds, Synchronous::Normal)),
        "keyed-register-16-full" => runtime.block_on(keyed_writes::sixteen(rounds, Synchronous::Full)),
        "idle-plugin-kib" => idle::memory(options.plugins),
        "swap-storm" => swap_storm::storm(runtime),
        "swap-handover" => swap_handover::handover(runtime),
        "swap-bystander" => swap_bystander::bystander(runtime),
        "enable-disable" => runtime.block_on(enable_disable::switching()),
        "boot-100" => boot::boots(),
        "hook-chain-10" => runtime.block_on(hook_chain::chain(rounds)),
        "observers-10" => runtime.block_on(observers::handing_over(rounds)),
        "turn-offline" => runtime.block_on(turns::turns(rounds)),
        "transcript-10k" => runtime.block_on(transcript::lengths(rounds)),
        "sessions-1000" => sessions::crowd(),
        "schedule-10k" => runtime.block_on(schedule::jobs()),
        "action-call" => runtime.block_on(action_call::calls(rounds)),
        "contexts" => runtime.block_on(contexts::contexts(rounds)),
        _ => noisy::neighbours(runtime),
    }
}

/// The runtime of a host.
fn runtime() -> Result<Runtime> {
    Engine::prepare_thread();
    Ok(Builder::new_multi_thread().worker_threads(WORKERS).on_thread_start(Engine::prepare_thread).enable_all().build()?)
}
