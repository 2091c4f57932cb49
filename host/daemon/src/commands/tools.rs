//! `plugbay tools`: what agents can call, and names that several plugins claim.

use super::End;
use super::console::Console;
use crate::api::types::{ToolClash, ToolList};
use crate::client::Route;
use crate::output::{Cell, Paint, Side, Table, Tone, cut_line, one_line};
use anyhow::Result;
use clap::Args;
use std::fmt::Write as _;

/// Characters of a description that are shown; `--json` has all of it.
const DESCRIPTION: usize = 100;

/// Shows the tools that agents have.
#[derive(Debug, Args)]
pub(crate) struct Tools {}

impl Tools {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        console.look(&Route::v1(&["tools"]), in_words).await
    }
}

fn in_words(list: &ToolList, paint: Paint) -> String {
    let mut text = if list.tools.is_empty() {
        "There are no tools: no plugin that is active has any.\n".to_owned()
    } else {
        let mut table = Table::new(["TOOL", "OWNER", "RISK", "TAGS", "DESCRIPTION"].map(|name| (name, Side::Left)));
        for tool in &list.tools {
            table.push([
                Cell::from(tool.name.as_str()),
                tool.owner.as_str().into(),
                tool.risk.as_deref().map_or_else(|| Cell::from("-"), risk),
                if tool.tags.is_empty() { "-".into() } else { tool.tags.join(", ").into() },
                cut_line(&tool.description, DESCRIPTION).into(),
            ]);
        }
        table.render_in(paint)
    };
    for ToolClash { name, owners } in &list.clashes {
        let clash = format!("Nobody has the tool {name}, since {} claim it: disable all but one of them.", owners.join(" and "));
        // Writing to text doesn't fail.
        let _ = writeln!(text, "{}", paint.on(Tone::Warning, &one_line(&clash)));
    }
    text
}

/// A risk, as it looks.
fn risk(risk: &str) -> Cell {
    let tone = match risk {
        "high" => Tone::Bad,
        "medium" => Tone::Warning,
        _ => Tone::Plain,
    };
    Cell::new(tone, risk)
}
