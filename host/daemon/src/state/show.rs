//! `plugbay state show`: how much each plugin keeps, and how much it may.
//!
//! One statement over the counters that the state keeps, plus a search for expired rows: no row's value is read.

use super::place::Place;
use crate::output::{self, Side, Table};
use anyhow::{Context, Result};
use clap::Args;
use plugbay_state::{Limit, Owner, StateLimits, StateStore, Usage};
use serde::{Serialize, Serializer};
use std::num::NonZeroUsize;

/// Rows, bytes, expired rows and limits.
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    place: Place,
    /// Only this plugin.
    #[arg(long, value_name = "ID", value_parser = super::plugin)]
    plugin: Option<Owner>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    limits: Limits,
    plugins: Vec<Plugin>,
}

/// The limits by their settings' names. No file says yet what a gateway was given.
struct Limits(StateLimits);

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let limits = Limit::ALL.iter().filter_map(|&limit| Some((limit.setting(), allowed(&self.0, limit)?.get().into())));
        let from = std::iter::once(("from", serde_json::Value::from("defaults")));
        serializer.collect_map(from.chain(limits))
    }
}

/// None for what a namespace's own options say.
fn allowed(limits: &StateLimits, limit: Limit) -> Option<NonZeroUsize> {
    match limit {
        Limit::Key => Some(limits.key),
        Limit::Namespace => Some(limits.namespace),
        Limit::Value => Some(limits.value),
        Limit::Depth => Some(limits.depth),
        Limit::Rows => Some(limits.rows),
        Limit::Total => Some(limits.total),
        Limit::Namespaces => Some(limits.namespaces),
        Limit::Keys => Some(limits.keys),
        Limit::Result => Some(limits.result),
        _ => None,
    }
}

#[derive(Serialize)]
struct Plugin {
    plugin: String,
    #[serde(flatten)]
    total: Amount,
    max_rows: NonZeroUsize,
    max_bytes: NonZeroUsize,
    namespaces: Vec<Namespace>,
}

#[derive(Serialize)]
struct Namespace {
    namespace: String,
    #[serde(flatten)]
    amount: Amount,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Amount {
    rows: u64,
    bytes: u64,
    expired: u64,
}

impl Show {
    pub(crate) async fn run(self) -> Result<()> {
        let state = self.place.look()?;
        let used = state.usage().await.context("can't read what is stored")?;
        state.close().await;
        let limits = StateLimits::default();
        let plugins = by_plugin(used, self.plugin.as_ref(), &limits);
        let report = Report { limits: Limits(limits), plugins };
        if self.json { output::print_json(&report) } else { output::print(&report.text()) }
    }
}

/// Namespaces with their plugins; the one that was asked for even if it has none. They come by plugin, then by name.
fn by_plugin(used: Vec<Usage>, only: Option<&Owner>, limits: &StateLimits) -> Vec<Plugin> {
    let none = |id: &Owner| Plugin {
        plugin: id.as_str().to_owned(),
        total: Amount::default(),
        max_rows: limits.rows,
        max_bytes: limits.total,
        namespaces: Vec::new(),
    };
    let mut plugins: Vec<Plugin> = only.map(none).into_iter().collect();
    for used in used.into_iter().filter(|used| super::is_plugins(&used.owner) && only.is_none_or(|only| *only == used.owner)) {
        let mut plugin = plugins.pop_if(|last| last.plugin == used.owner.as_str()).unwrap_or_else(|| none(&used.owner));
        plugin.add(used);
        plugins.push(plugin);
    }
    plugins
}

impl Plugin {
    fn add(&mut self, used: Usage) {
        let amount = Amount { rows: used.rows, bytes: used.bytes, expired: used.expired };
        self.total.rows += amount.rows;
        self.total.bytes += amount.bytes;
        self.total.expired += amount.expired;
        self.namespaces.push(Namespace { namespace: used.namespace, amount });
    }
}

impl Report {
    fn text(&self) -> String {
        if self.plugins.is_empty() {
            return "no rows\n".into();
        }
        let numbers = ["ROWS", "MAX-ROWS", "BYTES", "MAX-BYTES", "EXPIRED"].map(|name| (name, Side::Right));
        let [rows, max_rows, bytes, max_bytes, expired] = numbers;
        let mut table = Table::new([("PLUGIN", Side::Left), ("NAMESPACE", Side::Left), rows, max_rows, bytes, max_bytes, expired]);
        for plugin in &self.plugins {
            let mut line = |name: &str, amount: Amount, [max_rows, max_bytes]: [String; 2]| {
                let Amount { rows, bytes, expired } = amount;
                let (rows, bytes, expired) = (rows.to_string(), bytes.to_string(), expired.to_string());
                table.push([plugin.plugin.clone(), name.into(), rows, max_rows, bytes, max_bytes, expired]);
            };
            for namespace in &plugin.namespaces {
                line(&namespace.namespace, namespace.amount, ["-".into(), "-".into()]);
            }
            // No namespace can have this name.
            line("(total)", plugin.total, [plugin.max_rows.to_string(), plugin.max_bytes.to_string()]);
        }
        format!("{}limits are the defaults; a gateway that was given others holds to those\n", table.render())
    }
}
