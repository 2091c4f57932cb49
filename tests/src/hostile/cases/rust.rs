//! The Rust plugin that misbehaves by the name of the tool: what an ordinary toolchain produces when its author means ill.

use crate::hostile::case::{Attack, Case, Effort, SECRET, activating, mischief};
use crate::hostile::stopper::Stopper;
use plugbay_runtime::engine::Limit;

/// Processor time, in milliseconds, for those who turn for ever.
const SHORT: u64 = 20;

/// Wall time, in milliseconds, for those who wait for ever.
const SOON: u64 = 50;

/// Host calls, for those who may make as many as they like: then it is the log's own limit that counts.
const MANY: usize = 1_000_000;

pub(super) fn cases() -> Vec<Case> {
    [activations(), limits(), logs(), ends()].into_iter().flatten().collect()
}

fn limited(tool: &'static str, tries: &'static str, limit: Limit) -> Case {
    mischief(&format!("rust-{tool}"), tool, tries, Stopper::Limit(limit))
}

/// These come first: no generation of the plugin serves yet, and none may after them.
fn activations() -> Vec<Case> {
    vec![
        activating("trap-activate", "panics in `activate`", Stopper::Trap).saying(&["activate was told to trap"]),
        activating("fail-activate", "says no in `activate`", Stopper::Failed).saying(&["activate was told to fail"]),
        activating("spin-activate", "turns for ever in `activate`", Stopper::Limit(Limit::CpuTime)).cpu_ms(SHORT),
    ]
}

fn limits() -> Vec<Case> {
    vec![
        limited("spin", "turns for ever", Limit::CpuTime).cpu_ms(SHORT),
        limited("recurse", "calls itself for ever", Limit::Stack),
        limited("memory", "all memory, and aborts", Limit::Memory),
        mischief("rust-memory-cope", "memory-cope", "all memory, and copes without more", Stopper::Nothing),
        limited("imports", "calls an import for ever", Limit::HostCalls),
        limited("wasi-imports", "asks for the time for ever", Limit::HostCalls),
        limited("sleep", "sleeps past its deadline", Limit::WallTime).wall_ms(SOON),
        limited("poll", "waits for ever", Limit::WallTime).wall_ms(SOON),
        limited("big-result", "answers 9 MB", Limit::Returned),
    ]
}

fn logs() -> Vec<Case> {
    let coping = |name: &str, tool, tries| mischief(name, tool, tries, Stopper::Nothing).host_calls(MANY);
    vec![
        limited("log-flood", "100,000 lines", Limit::HostCalls),
        coping("rust-log-flood-allowed", "log-flood", "100,000 lines, host calls without end").effort(Effort::Heavy),
        coping("rust-empty-writes", "empty-writes", "5,000 empty writes"),
        limited("long-line", "a line without end", Limit::HostCalls),
        coping("rust-long-line-allowed", "long-line", "200 MB in a line, host calls without end").effort(Effort::Heavy).logging(9 << 10),
    ]
}

fn secret(name: &str, tries: &'static str, secret: &str) -> Case {
    mischief(name, "panic-secret", tries, Stopper::Trap).set("token", secret).saying(&["the token is", "[secret]"])
}

fn ends() -> Vec<Case> {
    let mut swaps = mischief("rust-good", "ok", "nothing: a swap each round", Stopper::Nothing);
    swaps.attack = Attack::Load;
    vec![
        swaps,
        mischief("rust-panic-control", "panic-control", "control characters in a panic", Stopper::Trap).saying(&["red"]),
        mischief("rust-panic-secret", "panic-secret", "a secret in a panic", Stopper::Trap).saying(&["the token is [secret]"]),
        // A key in a file of its own is such a secret: many lines, or longer than a line of the log.
        secret("rust-panic-secret-lines", "a secret of two lines in a panic", &format!("{SECRET}\n{SECRET}")),
        secret("rust-panic-secret-long", "a secret in a panic, longer than a log line", &SECRET.repeat(300)),
        mischief("rust-exit", "exit", "exits", Stopper::Exited),
    ]
}
