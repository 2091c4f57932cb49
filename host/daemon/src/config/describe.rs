//! The configuration described: as a JSON Schema for editors, and as the table of `docs/configuration.md`. Both come from the settings themselves.

use super::Config;
use super::setting::{Row, section_rows, section_schema};
use plugbay_runtime::engine::Limits;
use serde_json::{Value, json};
use std::fmt::Write;

/// The JSON Schema of `plugbay.toml`.
#[must_use]
pub fn schema() -> Value {
    let mut schema = section_schema::<Config>();
    if let Value::Object(root) = &mut schema {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("title".to_owned(), json!("plugbay.toml"));
    }
    schema
}

/// Every setting as a Markdown table.
#[must_use]
pub fn table() -> String {
    let mut text = String::from("| setting | what it is | value | default |\n|---|---|---|---|\n");
    for Row { path, says, expected, default, .. } in rows() {
        let default = default.map_or("-".to_owned(), |value| format!("`{value}`"));
        // Writing to text doesn't fail.
        let _ = writeln!(text, "| `{path}` | {says} | {} | {default} |", expected.replace('|', "\\|"));
    }
    text
}

/// These limits, each as its name and its value as the file has it.
#[must_use]
pub fn shown_limits(limits: &Limits) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    section_rows(&mut limits.clone(), "", &mut rows);
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.into_iter().map(|row| (row.path, row.default.map_or_else(|| "by the call's budget".to_owned(), text))).collect()
}

/// Every setting, in the order of the sections.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    section_rows(&mut Config::default(), "", &mut rows);
    rows
}
