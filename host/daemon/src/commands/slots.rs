//! `plugbay slots`: what only one plugin does, and which one does it.

use super::End;
use super::change::Why;
use super::console::Console;
use crate::api::types::{SlotChange, SlotList, SlotView};
use crate::client::{Content, Route};
use crate::config::BUILTIN;
use crate::output::{Cell, Paint, Side, Table, Tone};
use anyhow::{Context, Result};
use clap::Args;
use hyper::Method;

/// Shows who does what only one plugin does, or gives it to another.
#[derive(Debug, Args)]
pub(crate) struct Slots {
    /// Which: `context-engine`.
    #[arg(requires = "plugin", value_parser = super::id)]
    slot: Option<String>,
    /// Who is to do it: a plugin, or `builtin`.
    #[arg(value_parser = super::id)]
    plugin: Option<String>,
    #[command(flatten)]
    why: Why,
}

impl Slots {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let Self { slot, plugin, why: Why { why } } = self;
        let (Some(slot), Some(plugin)) = (slot, plugin) else {
            return console.look(&Route::v1(&["slots"]), slots).await;
        };
        let plugin = (plugin != BUILTIN).then_some(plugin);
        let change = Content::json(&SlotChange { plugin, why }).context("can't write the request as JSON")?;
        let answer = console.client().send::<SlotView>(Method::PUT, &Route::v1(&["slots", &slot]), change).await?;
        console.print(&answer, |view, paint| slots(&SlotList { slots: vec![view.clone()] }, paint))?;
        Ok(End::Done)
    }
}

fn slots(list: &SlotList, paint: Paint) -> String {
    let mut table = Table::new(["SLOT", "WANTED", "SERVES", "NOTES"].map(|name| (name, Side::Left)));
    for SlotView { slot, preferred, serving, why } in &list.slots {
        let tone = if why.is_some() { Tone::Warning } else { Tone::Good };
        let (wanted, notes) = (preferred.as_deref().unwrap_or(BUILTIN), why.as_deref().unwrap_or_default());
        table.push([slot.as_str().into(), wanted.into(), Cell::new(tone, serving.as_str()), notes.into()]);
    }
    table.render_in(paint)
}
