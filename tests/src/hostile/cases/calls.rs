//! Components that load like good ones and show their face in a call: floods, bombs, loops, answers that are none.

use crate::hostile::case::{Case, Effort, called};
use crate::hostile::stopper::Stopper;
use plugbay_runtime::engine::Limit;

/// Processor time, in milliseconds, for those who turn for ever.
const SHORT: u64 = 20;

/// Wall time, in milliseconds, for those who wait for ever.
const SOON: u64 = 50;

pub(super) fn cases() -> Vec<Case> {
    [good(), loops(), bombs(), floods(), answers()].into_iter().flatten().collect()
}

fn limited(fixture: &'static str, tries: &'static str, limit: Limit) -> Case {
    called(fixture, tries, Stopper::Limit(limit))
}

fn good() -> Vec<Case> {
    vec![
        called("good", "nothing: the good plugin that all others depart from", Stopper::Nothing),
        called("spin-then-ok", "works for a while, within its budget", Stopper::Nothing),
        called("composed", "two components with a memory each: has to work", Stopper::Nothing)
            .answering(|decision| decision.block.as_deref() == Some("shell")),
    ]
}

fn loops() -> Vec<Case> {
    vec![
        limited("spin", "turns for ever", Limit::CpuTime).cpu_ms(SHORT),
        limited("realloc-loops", "turns for ever in `realloc`", Limit::CpuTime).cpu_ms(SHORT),
        limited("stack-overflow", "calls itself for ever", Limit::Stack),
        limited("block-forever", "waits for ever", Limit::WallTime).wall_ms(SOON),
    ]
}

fn bombs() -> Vec<Case> {
    vec![
        limited("memory-bomb-many", "all memory, in four memories", Limit::Memory),
        limited("memory-bomb-instances", "all memory, in four instances", Limit::Memory),
        limited("table-bomb", "all memory, in a table", Limit::Memory),
        called("realloc-lies-misaligned", "`realloc` answers a crooked address", Stopper::Malformed),
        called("realloc-lies-out-of-range", "`realloc` answers an address beyond", Stopper::Malformed),
    ]
}

fn floods() -> Vec<Case> {
    vec![
        limited("import-flood", "calls an import for ever", Limit::HostCalls),
        limited("straight-calls", "20,000 imports in straight code", Limit::HostCalls),
        limited("newline-flood", "line breaks to the log, 4 MB a time", Limit::CpuTime).cpu_ms(SHORT),
        called("handle-hoard", "a thousand handles in a call, none dropped", Stopper::Nothing).effort(Effort::Once),
        limited("own-resources", "handles of its own without end", Limit::Handles),
        limited("host-resources", "handles of the host's without end", Limit::Handles),
        limited("import-9mb", "9 MB to an import", Limit::CopiedIn),
        limited("import-200mb", "200 MB to an import, in a cell of 256 MiB", Limit::CopiedIn).memory_mib(256).effort(Effort::Heavy),
        limited("import-200mb", "200 MB to an import, in a usual cell", Limit::Memory)
            .named("import-200mb-usual-cell")
            .in_file("import-200mb"),
    ]
}

fn answers() -> Vec<Case> {
    let malformed = |fixture, tries| called(fixture, tries, Stopper::Malformed);
    vec![
        limited("result-9mb", "answers 9 MB", Limit::Returned),
        limited("result-200mb", "answers 200 MB, in a cell of 256 MiB", Limit::Returned).memory_mib(256).effort(Effort::Heavy),
        limited("million-records", "answers a million records", Limit::Returned),
        malformed("million-decisions", "answers a million decisions"),
        called("trap-in-host-call", "hands an import what isn't there", Stopper::Trap),
        called("invalid-utf8", "hands an import what isn't UTF-8", Stopper::Trap),
        malformed("result-invalid-utf8", "answers what isn't UTF-8"),
        malformed("result-bad-discriminant", "answers neither ok nor err"),
        malformed("result-out-of-bounds", "answers from beyond its memory"),
        malformed("result-misaligned", "answers from a crooked address"),
        malformed("params-not-json", "answers what isn't JSON").saying(&["`params`"]),
        malformed("params-too-deep", "answers JSON 41 deep").saying(&["`params`"]),
    ]
}
