//! `plugbay limits` and `usage`: what plugins may use, and what they have used.

use super::change::Why;
use super::console::{Console, Step};
use super::{End, words};
use crate::api::types::{LimitList, LimitsPatch, UsageList};
use crate::client::Route;
use crate::output::{Cell, Paint, Side, Table, Tone};
use anyhow::Result;
use clap::Args;
use hyper::Method;
use std::time::Duration;

/// Shows or changes the limits of a plugin.
#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// The plugin.
    #[arg(value_parser = super::id)]
    id: String,
    /// What to change, as plugbay.toml has it: `memory="128 MiB"`; `memory=default` takes that back.
    #[arg(value_name = "NAME=VALUE", value_parser = assignment)]
    changes: Vec<(String, Option<String>)>,
    #[command(flatten)]
    why: Why,
}

impl Limits {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let Self { id, changes, why: Why { why } } = self;
        let route = Route::v1(&["plugins", &id, "limits"]);
        if changes.is_empty() {
            return console.look(&route, limits).await;
        }
        let doing = format!("changing limits of {id}");
        let step = Step { doing: &doing, aside: "has other limits, and nothing of it serves", plugin: Some(&id) };
        console.change(&step, Method::PATCH, &route, &LimitsPatch { limits: changes.into_iter().collect(), why }).await
    }
}

fn assignment(text: &str) -> Result<(String, Option<String>), &'static str> {
    match text.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), (value != "default").then(|| value.to_owned())))
        }
        _ => Err("expected NAME=VALUE, or NAME=default"),
    }
}

fn limits(list: &LimitList, paint: Paint) -> String {
    let mut table =
        Table::new([("LIMIT", Side::Left), ("VALUE", Side::Right), ("SET BY", Side::Left), ("USED", Side::Right), ("SETTING", Side::Left)]);
    for limit in &list.limits {
        let by = if limit.set { Cell::new(Tone::Heading, "you") } else { Cell::new(Tone::Faint, "default") };
        let used = limit.used.as_deref().unwrap_or("-");
        table.push([limit.name.as_str().into(), limit.value.as_str().into(), by, used.into(), limit.setting.as_str().into()]);
    }
    table.render_in(paint)
}

/// Shows what plugins have used.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    /// This plugin only.
    #[arg(value_parser = super::id)]
    id: Option<String>,
}

impl Usage {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        console.look(&Route::v1(&["usage"]).with_all("plugin", self.id), usage).await
    }
}

fn usage(list: &UsageList, paint: Paint) -> String {
    let right = |name| (name, Side::Right);
    let mut kept = Table::new([("PLUGIN", Side::Left), right("GEN"), right("ROWS"), right("BYTES"), right("WARM CELLS")]);
    let mut calls = Table::new([
        ("PLUGIN", Side::Left),
        ("EXPORT", Side::Left),
        right("CALLS"),
        right("FAULTS"),
        right("FAILED"),
        right("CUT"),
        right("UNSERVED"),
        right("CPU"),
        right("HOST CALLS"),
        right("MEMORY"),
    ]);
    for plugin in &list.plugins {
        kept.push([
            plugin.id.as_str().into(),
            plugin.generation.into(),
            plugin.rows.into(),
            words::bytes(plugin.bytes).into(),
            Cell::from(plugin.warm_cells),
        ]);
        for export in &plugin.exports {
            calls.push([
                plugin.id.as_str().into(),
                Cell::from(export.export.as_str()),
                export.calls.into(),
                Cell::new(if export.faults > 0 { Tone::Warning } else { Tone::Plain }, export.faults.to_string()),
                export.failed.into(),
                export.cut.into(),
                export.unserved.into(),
                words::span(Duration::from_micros(export.cpu_us)).into(),
                export.host_calls.into(),
                words::bytes(export.memory).into(),
            ]);
        }
    }
    format!("{}\n{}", calls.render_in(paint), kept.render_in(paint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_a_name_and_a_value() {
        assert_eq!(assignment("memory = 128 MiB"), Ok(("memory".into(), Some("128 MiB".into()))));
        assert_eq!(assignment("cpu=default"), Ok(("cpu".into(), None)));
        assert!(["memory", "=1", "memory=", ""].iter().all(|text| assignment(text).is_err()));
    }
}
