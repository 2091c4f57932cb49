//! `plugbay list`, `versions` and `history`: tables of what there is and what was.

use super::console::Console;
use super::{End, words};
use crate::api::types::{HistoryPage, PluginList, PluginSummary, RefusedFile, VersionList};
use crate::client::Route;
use crate::output::{Cell, Paint, Side, Table, Tone, one_line};
use anyhow::Result;
use clap::Args;
use std::fmt::Write as _;

/// Shows all plugins.
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        all(console).await
    }
}

/// Shows all plugins.
pub(super) async fn all(console: &Console) -> Result<End> {
    console.look(&Route::v1(&["plugins"]), plugins).await
}

fn plugins(list: &PluginList, paint: Paint) -> String {
    let mut text = if list.plugins.is_empty() {
        "There are no plugins: put one into the plugins directory, or `plugbay install FILE`.\n".to_owned()
    } else {
        let mut table = Table::new([
            ("PLUGIN", Side::Left),
            ("STANDING", Side::Left),
            ("VERSION", Side::Left),
            ("DIGEST", Side::Left),
            ("GEN", Side::Right),
            ("CALLS", Side::Right),
            ("FAULTS", Side::Right),
            ("NOTES", Side::Left),
        ]);
        list.plugins.iter().for_each(|plugin| table.push(line(plugin)));
        table.render_in(paint)
    };
    for RefusedFile { name, why } in &list.refused {
        // Writing to text doesn't fail.
        let _ = writeln!(text, "The file {} is no plugin: {}", one_line(name), one_line(why));
    }
    if let Some(why) = &list.context_engine.why {
        let _ = writeln!(text, "The built-in context engine serves: {}", one_line(why));
    }
    text
}

fn line(plugin: &PluginSummary) -> [Cell; 8] {
    let (tone, standing) = words::standing(plugin.standing);
    let faults = if plugin.faults > 0 { Tone::Warning } else { Tone::Plain };
    [
        plugin.id.as_str().into(),
        Cell::new(tone, standing),
        plugin.version.as_deref().unwrap_or("-").into(),
        plugin.digest.as_deref().map_or("-", words::digest).into(),
        plugin.generation.into(),
        plugin.calls.into(),
        Cell::new(faults, plugin.faults.to_string()),
        words::notes(plugin).join("; ").into(),
    ]
}

/// Shows the versions of a plugin that are kept.
#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// The plugin.
    #[arg(value_parser = super::id)]
    id: String,
}

impl Versions {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        console.look(&Route::v1(&["plugins", &self.id, "versions"]), versions).await
    }
}

/// The versions as a table.
pub(super) fn versions(list: &VersionList, paint: Paint) -> String {
    let mut table = Table::new(["VERSION", "DIGEST", "SINCE", "NOTES"].map(|name| (name, Side::Left)));
    for version in &list.versions {
        let note = match &version.failed {
            Some(why) => Cell::new(Tone::Bad, format!("failed: {why}")),
            None if version.active => Cell::new(Tone::Good, "active"),
            None => "".into(),
        };
        table.push([version.version.as_str().into(), words::digest(&version.digest).into(), words::time(version.since).into(), note]);
    }
    table.render_in(paint)
}

/// Shows who changed what, the newest first.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Of this plugin only.
    #[arg(value_parser = super::id)]
    id: Option<String>,
    /// So many lines at most.
    #[arg(short = 'n', long = "lines", value_name = "N")]
    lines: Option<usize>,
}

impl History {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let route = Route::v1(&["history"]).with_all("plugin", self.id).with_all("limit", self.lines);
        console.look(&route, history).await
    }
}

fn history(page: &HistoryPage, paint: Paint) -> String {
    let mut table = Table::new(["TIME", "WHO", "WHAT", "PLUGIN", "FROM", "TO", "WHY"].map(|name| (name, Side::Left)));
    let short = |digest: &Option<String>| digest.as_deref().map_or("-", words::digest).to_owned();
    for event in &page.events {
        table.push([
            words::time(event.at),
            event.who.clone(),
            event.what.clone(),
            event.plugin.clone().unwrap_or_else(|| "-".to_owned()),
            short(&event.from),
            short(&event.to),
            event.why.clone().unwrap_or_default(),
        ]);
    }
    table.render_in(paint)
}
