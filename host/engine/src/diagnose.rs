//! From what wasmtime hands back to a [`CallError`]: which limit was it, or which trap?
//!
//! Some limits are told apart by the text of wasmtime's error, since their types are private; the hostile fixtures hold each of those texts.

use crate::fault::{CallError, Fault, Unserved};
use crate::limits::{Limit, Overrun};
use crate::meter::Gauge;
use std::any::Any;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// Bytes of a guest's own words that an error carries.
const WORDS: usize = 2 << 10;

/// What an error out of guest code means. `stderr` gives the last of what the guest wrote there.
pub(crate) fn error(error: &wasmtime::Error, gauge: &Gauge, stderr: impl FnOnce() -> Option<String>) -> CallError {
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return Unserved::NoRoom(full.to_string()).into();
    }
    if error.downcast_ref::<I32Exit>().is_some() {
        return Fault::Exited.into();
    }
    let overrun = limit(error, gauge);
    overrun.map_or_else(|| trap(error, stderr), Fault::Limit).into()
}

/// The limit that an error comes from.
fn limit(error: &wasmtime::Error, gauge: &Gauge) -> Option<Overrun> {
    let limits = gauge.limits();
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return gauge.stopped();
    }
    if trap == Some(&Trap::StackOverflow) {
        return Some(Overrun::count(Limit::Stack, gauge.stack().get() + 1, gauge.stack().get()));
    }
    let handles = limits.handles.get();
    if matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full)) {
        return Some(Overrun::count(Limit::Handles, handles + 1, handles));
    }
    let text = error.root_cause().to_string(); // not the whole chain: names of the guest's own functions are in it
    if text.contains("handle limit exceeded") {
        return Some(Overrun::count(Limit::Handles, handles + 1, handles));
    }
    if text.contains("too much data is being copied between") {
        return Some(copied(error, gauge));
    }
    counted(&text, gauge).or_else(|| gauge.refused())
}

/// More was copied than the store allows: by a host call (then wasm is on the stack), or as the answer.
fn copied(error: &wasmtime::Error, gauge: &Gauge) -> Overrun {
    let limits = gauge.limits();
    let (copied_in, returned) = (limits.copied_in.get(), limits.returned.get());
    let answer = error.downcast_ref::<WasmBacktrace>().is_none();
    // One allowance of wasmtime's serves both; an answer that may be larger than it is stopped by it all the same.
    let (limit, allowed) = if answer && returned <= copied_in { (Limit::Returned, returned) } else { (Limit::CopiedIn, copied_in) };
    Overrun::count(limit, copied_in + 1, allowed)
}

/// Instances, memories and tables, which wasmtime counts itself.
fn counted(text: &str, gauge: &Gauge) -> Option<Overrun> {
    let limits = gauge.limits();
    let kinds = [
        ("instance count too high", Limit::CoreInstances, limits.core_instances),
        ("memory count too high", Limit::Memories, limits.memories),
        ("table count too high", Limit::Tables, limits.tables),
    ];
    let (_, limit, allowed) = kinds.into_iter().find(|(words, ..)| text.contains(words))?;
    Some(Overrun::count(limit, allowed.get() + 1, allowed.get()))
}

/// A trap, if the guest was running; else its answer couldn't be read.
fn trap(error: &wasmtime::Error, stderr: impl FnOnce() -> Option<String>) -> Fault {
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    let trap = error.downcast_ref::<Trap>();
    let words = || bounded(&error.root_cause().to_string());
    match (trap, backtrace) {
        (None, None) => Fault::Malformed(words()),
        (trap, backtrace) => Fault::Trap {
            trap: trap.map_or_else(words, |t| t.to_string().replace("wasm trap: ", "")),
            message: stderr().map(|text| bounded(&text)),
            backtrace: backtrace.map(frames).unwrap_or_default(),
        },
    }
}

fn frames(backtrace: &WasmBacktrace) -> Vec<String> {
    backtrace.frames().iter().map(|f| bounded(f.func_name().unwrap_or("<unnamed>"))).collect()
}

/// Text of a guest's, as far as an error carries it.
fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(WORDS)).unwrap_or_default().replace(|c: char| c.is_control() && c != '\n' && c != '\t', "\u{fffd}")
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    bounded(text.unwrap_or("a panic without words"))
}
