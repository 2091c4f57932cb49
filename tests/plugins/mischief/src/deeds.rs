//! The misdeeds.
//!
//! What they are for: each runs into one limit of the host and into no other first. What they cost: everything they can get. How they
//! fail: mostly by being killed; those that return say so in their type.

use plugbay_sdk::prelude::*;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

/// Never ends, and calls nobody.
pub(crate) fn spin() -> ! {
    loop {
        black_box(0);
    }
}

/// Never ends, and needs stack for each step: the sum is made on the way back, so that it isn't a loop. Its frames are small, so that
/// the machine's stack runs out before the one that Rust keeps in the plugin's memory.
#[allow(unconditional_recursion, reason = "the misdeed")]
pub(crate) fn recurse(depth: u64) -> u64 {
    black_box(recurse(depth.wrapping_add(1))).wrapping_add(depth)
}

/// Takes memory until it is refused, which aborts.
pub(crate) fn hoard() -> ! {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(black_box(vec![1; 1 << 20]));
    }
}

/// Takes memory until it is refused, and copes.
pub(crate) fn hoard_politely() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut more: Vec<u8> = Vec::new();
        if more.try_reserve_exact(1 << 20).is_err() || hoard.try_reserve(1).is_err() {
            return;
        }
        more.resize(1 << 20, 1);
        hoard.push(black_box(more));
    }
}

/// Calls the host for ever.
pub(crate) fn call_imports() -> ! {
    loop {
        black_box(log::enabled(log::Level::Info));
    }
}

/// Calls WASI for ever.
pub(crate) fn call_wasi() -> ! {
    loop {
        black_box(Instant::now());
    }
}

/// 100,000 lines.
pub(crate) fn flood_log() {
    for number in 0..100_000 {
        println!("line {number} of a flood that nobody wants to read");
    }
}

/// Writes nothing, 5,000 times, past std, which would swallow it.
#[cfg(target_family = "wasm")]
pub(crate) fn write_nothing() -> Result<()> {
    let stdout = wasip2::cli::stdout::get_stdout();
    for _ in 0..5_000 {
        stdout.write(&[]).map_err(|error| Error::new(format!("{error:?}")))?;
    }
    Ok(())
}

/// Natively there is no such stream.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_nothing() -> Result<()> {
    Ok(std::io::stdout().flush()?)
}

/// 200 MB without a line's end.
pub(crate) fn write_one_line() -> Result<()> {
    let chunk = [b'x'; 4_000];
    let mut stdout = std::io::stdout().lock();
    for _ in 0..50_000 {
        stdout.write_all(&chunk)?;
    }
    Ok(stdout.flush()?)
}

/// Sleeps past every deadline.
pub(crate) fn sleep() {
    std::thread::sleep(Duration::from_secs(3600));
}

/// Waits for what never comes.
pub(crate) fn poll() {
    #[cfg(target_family = "wasm")]
    wasip2::clocks::monotonic_clock::subscribe_duration(u64::MAX).block();
    #[cfg(not(target_family = "wasm"))]
    std::thread::sleep(Duration::MAX);
}

/// Traps, with a message.
#[allow(clippy::panic, reason = "the misdeed")]
pub(crate) fn panic_with(message: &str) -> ! {
    panic!("{message}")
}

/// 9 MB of arguments.
pub(crate) fn big_result() -> ToolDecision {
    ToolDecision::rewrite_json(format!(r#"{{"x":"{}"}}"#, "a".repeat(9_000_000)))
}
