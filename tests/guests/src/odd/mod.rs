//! Odd and hostile plugins, made byte by byte: what no honest toolchain would produce, and what must be contained all the same.
//!
//! Each function makes one component, named as the fixture is: `spin` makes `spin`. [`FIXTURES`] lists them by name, [`all`] makes them.
//! Unless its line says otherwise a fixture loads, describes itself and activates like a good plugin, and shows its face in
//! `before-tool-call`'s `handle`. [`Odd`] makes others.
//!
//! Costs a few milliseconds each ([`component_65mb`] and [`describe_huge`] need what their names say, the latter when it runs). A fixture
//! that can't be made ends the program with the step and the reason: it is a mistake in here.

mod answers;
mod append;
mod binaries;
mod compile_bomb;
mod composed;
mod floods;
mod lifecycle;
mod manifests;
mod memory;
mod surface;
mod template;
#[cfg(test)]
mod tests;
mod wit;

pub use answers::{
    invalid_utf8, million_decisions, million_records, params_not_json, params_too_deep, result_9mb, result_200mb, result_bad_discriminant,
    result_invalid_utf8, result_misaligned, result_out_of_bounds, trap_in_host_call,
};
pub use binaries::{component_65mb, core_module, custom_section_4gb, empty, random_bytes, truncated};
pub use compile_bomb::compile_bomb;
pub use composed::composed;
pub use floods::{
    block_forever, handle_hoard, host_resources, import_9mb, import_200mb, import_flood, newline_flood, own_resources, spin, spin_then_ok,
    stack_overflow, straight_calls,
};
pub use lifecycle::{
    describe_differs, describe_huge, describe_loops, describe_names_absent_hook, describe_not_json, describe_refused_by_schema,
    describe_repeats, schema_doubles, schema_in_itself, schema_pattern, spin_in_start, trap_in_activate, trap_in_describe, trap_in_start,
    writes_in_activate,
};
pub use manifests::{
    manifest_bad_id, manifest_bad_version, manifest_concatenated, manifest_missing, manifest_not_json, manifest_other_id, manifest_twice,
    manifest_unknown_key,
};
pub use memory::{
    memory_bomb_instances, memory_bomb_many, realloc_lies_misaligned, realloc_lies_out_of_range, realloc_loops, table_bomb,
    too_many_instances, too_many_memories, too_many_tables,
};
pub use surface::{
    async_component, foreign_export, foreign_import, future_component, no_plugin_interface, other_api_version, unknown_function,
    unknown_hook, unknown_import, wrong_export_type,
};
pub use template::Odd;

/// Why a fixture couldn't be made.
#[derive(Debug, thiserror::Error)]
#[error("could not {step}: {reason}")]
pub struct OddError {
    step: &'static str,
    reason: String,
}

impl OddError {
    fn new(step: &'static str, reason: impl std::fmt::Display) -> Self {
        // The alternate form of an `anyhow::Error` prints its causes.
        Self { step, reason: format!("{reason:#}") }
    }
}

/// What was made, or the end of the program.
#[expect(
    clippy::panic,
    reason = "a fixture that can't be made is a mistake in this folder, and callers want bytes, not an error to pass on"
)]
fn made<T>(result: Result<T, OddError>) -> T {
    result.unwrap_or_else(|error| panic!("an odd component: {error}"))
}

/// The plain good plugin that every other one departs from.
pub fn good(id: &str) -> Vec<u8> {
    Odd::new(id).build()
}

/// A fixture's name and what makes it.
pub type Fixture = (&'static str, fn() -> Vec<u8>);

/// Every fixture but [`component_65mb`], which is large; those with a parameter in one typical form.
pub const FIXTURES: &[Fixture] = &[
    ("good", || good("good")),
    ("realloc-loops", realloc_loops),
    ("realloc-lies-misaligned", realloc_lies_misaligned),
    ("realloc-lies-out-of-range", realloc_lies_out_of_range),
    ("memory-bomb-many", memory_bomb_many),
    ("memory-bomb-instances", memory_bomb_instances),
    ("table-bomb", table_bomb),
    ("too-many-memories", too_many_memories),
    ("too-many-tables", too_many_tables),
    ("too-many-instances", too_many_instances),
    ("import-200mb", import_200mb),
    ("import-9mb", import_9mb),
    ("result-200mb", result_200mb),
    ("result-9mb", result_9mb),
    ("million-records", million_records),
    ("million-decisions", million_decisions),
    ("own-resources", own_resources),
    ("host-resources", host_resources),
    ("import-flood", import_flood),
    ("straight-calls", straight_calls),
    ("newline-flood", newline_flood),
    ("handle-hoard", handle_hoard),
    ("block-forever", block_forever),
    ("stack-overflow", stack_overflow),
    ("spin", spin),
    ("spin-then-ok", || spin_then_ok(100_000)),
    ("trap-in-start", trap_in_start),
    ("spin-in-start", spin_in_start),
    ("trap-in-describe", trap_in_describe),
    ("describe-loops", describe_loops),
    ("describe-differs", describe_differs),
    ("describe-names-absent-hook", describe_names_absent_hook),
    ("describe-repeats", describe_repeats),
    ("describe-refused-by-schema", describe_refused_by_schema),
    ("describe-not-json", describe_not_json),
    ("describe-huge", describe_huge),
    ("schema-doubles", schema_doubles),
    ("schema-in-itself", schema_in_itself),
    ("schema-pattern", schema_pattern),
    ("trap-in-activate", trap_in_activate),
    ("writes-in-activate", writes_in_activate),
    ("trap-in-host-call", trap_in_host_call),
    ("invalid-utf8", invalid_utf8),
    ("result-invalid-utf8", result_invalid_utf8),
    ("result-bad-discriminant", result_bad_discriminant),
    ("result-out-of-bounds", result_out_of_bounds),
    ("result-misaligned", result_misaligned),
    ("params-not-json", params_not_json),
    ("params-too-deep", params_too_deep),
    ("wrong-export-type", wrong_export_type),
    ("unknown-hook", unknown_hook),
    ("unknown-import", unknown_import),
    ("unknown-function", unknown_function),
    ("foreign-import", foreign_import),
    ("foreign-export", foreign_export),
    ("other-api-version", other_api_version),
    ("no-plugin-interface", no_plugin_interface),
    ("async-component", async_component),
    ("future-component", future_component),
    ("core-module", core_module),
    ("truncated", || truncated(good("truncated").len() / 2)),
    ("random-bytes", || random_bytes(1)),
    ("empty", empty),
    ("custom-section-4gb", custom_section_4gb),
    ("compile-bomb", compile_bomb),
    ("manifest-missing", manifest_missing),
    ("manifest-twice", manifest_twice),
    ("manifest-concatenated", manifest_concatenated),
    ("manifest-not-json", manifest_not_json),
    ("manifest-bad-id", manifest_bad_id),
    ("manifest-other-id", || manifest_other_id("somebody-else")),
    ("manifest-unknown-key", manifest_unknown_key),
    ("manifest-bad-version", manifest_bad_version),
    ("composed", composed),
];

/// Every fixture of [`FIXTURES`], made.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    FIXTURES.iter().map(|(name, make)| (*name, make())).collect()
}
