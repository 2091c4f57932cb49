//! `enable-disable`: how long it takes from an operator's command to its effect.
//!
//! A plugin is switched off and on again, a hundred times; its compiled code is in the cache. As with the daemon's command the settings' file is written and
//! renamed in the same step, with an intent in the state, and the component is read from its file. A command's time ends with the answer of the
//! first call after it, which has to be refused as `disabled`, or served. The row is the p99 of the slower of both.

use super::load::quantile;
use super::row::Row;
use super::swapped::{Swapped, settings};
use crate::lab::tool_call;
use anyhow::{Result, bail};
use plugbay_guests::built::BENCH_GUEST;
use plugbay_runtime::engine::{CallError, Unserved};
use plugbay_runtime::state::DocumentChange;
use plugbay_runtime::{Alongside, Call, Order, Wanted};
use serde_json::json;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often it is switched off, and on.
const TIMES: usize = 100;

pub(super) async fn switching() -> Result<Vec<Row>> {
    let swapped = Swapped::new("switched", BENCH_GUEST).await?;
    let (mut off, mut on) = (Vec::new(), Vec::new());
    switch(&swapped, false).await?; // doesn't count
    switch(&swapped, true).await?;
    for _ in 0..TIMES {
        off.push(switch(&swapped, false).await?);
        on.push(switch(&swapped, true).await?);
    }
    let of = |times: &[Duration], part| quantile(times.iter().copied(), part) / 1e3;
    let words = |what: &str, times: &[Duration]| {
        format!("{what}: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms", of(times, 0.5), of(times, 0.99), of(times, 1.0))
    };
    let row = Row::alone("enable-disable", "p99, ms", of(&off, 0.99).max(of(&on, 0.99)), 50.0);
    Ok(vec![row.note(words("enable", &on)).note(words("disable", &off))])
}

/// Switches it, and answers how long that took to show.
async fn switch(swapped: &Swapped, on: bool) -> Result<Duration> {
    let began = Instant::now();
    let file = SettingsFile::written(swapped.lab.folder(), on)?;
    let runs = if on { Ok(()) } else { Err("the benchmark switched it off".to_owned()) };
    let wanted = Wanted { runs, ..Wanted::running(swapped.first(), settings(1)) };
    swapped.lab.plugins.apply(swapped.plugin.id().clone(), wanted, Order::by("bench").with(file)).await?;
    match (on, swapped.plugin.call(&Call::new(), &tool_call("generation", &json!({}))).await) {
        (true, Ok(decision)) if decision.params.is_some() => Ok(began.elapsed()),
        (false, Err(CallError::Unserved(Unserved::Closed { code: "disabled", .. }))) => Ok(began.elapsed()),
        (_, other) => bail!("after it was switched {} a call ended with {other:?}", if on { "on" } else { "off" }),
    }
}

/// A settings' file that was written under another name, and is renamed when the plugin is switched.
struct SettingsFile {
    written: PathBuf,
    place: PathBuf,
}

impl SettingsFile {
    fn written(folder: &Path, on: bool) -> Result<Self> {
        let (written, place) = (folder.join(".plugbay.toml.tmp"), folder.join("plugbay.toml"));
        let mut file = File::create(&written)?;
        writeln!(file, "[plugins.switched]\nenabled = {on}")?;
        file.sync_all()?;
        Ok(Self { written, place })
    }
}

impl Alongside for SettingsFile {
    fn documents(&self) -> Vec<DocumentChange> {
        vec![DocumentChange::set("intent", "files", json!({ "configuration": self.place }).to_string())]
    }

    fn commit(self: Box<Self>) -> Result<(), String> {
        let renamed = fs::rename(&self.written, &self.place);
        let folder = self.place.parent().unwrap_or(&self.place);
        renamed.and_then(|()| File::open(folder)?.sync_all()).map_err(|e| e.to_string())
    }
}
