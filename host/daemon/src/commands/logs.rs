//! `plugbay logs`: the last lines of a plugin's log, and with `-f` those that come.

use super::console::Console;
use super::{End, words};
use crate::api::types::{LogEntry, LogPage};
use crate::client::{Event, Route};
use crate::output::{self, Paint, Tone, one_line};
use anyhow::{Context, Result, bail};
use clap::Args;

/// Shows a plugin's log.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The plugin.
    #[arg(value_parser = super::id)]
    id: String,
    /// Go on with what comes.
    #[arg(short, long)]
    follow: bool,
    /// So many of the last lines.
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 100)]
    lines: usize,
}

impl Logs {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let route = Route::v1(&["plugins", &self.id, "logs"]).with("tail", self.lines);
        if !self.follow {
            return console.look(&route, |page: &LogPage, paint| page.lines.iter().map(|entry| line(entry, paint)).collect()).await;
        }
        let mut events = console.client().follow(&route.with("follow", true)).await?;
        let paint = Paint::of_stdout();
        while let Some(event) = events.next().await? {
            output::print(&told(&event, console.json(), paint)?)?;
        }
        bail!("the log of {} has ended: the daemon stops, or the plugin was uninstalled", self.id)
    }
}

/// What a followed log says.
fn told(event: &Event, json: bool, paint: Paint) -> Result<String> {
    let Event { kind, data } = event;
    Ok(match kind.as_str() {
        _ if json => output::json_as_it_came(data),
        "missed" => paint.on(Tone::Warning, &format!("({} lines came faster than they could be shown)", one_line(data))) + "\n",
        _ => line(&serde_json::from_str(data).with_context(|| format!("a line that isn't understood: {}", one_line(data)))?, paint),
    })
}

fn line(entry: &LogEntry, paint: Paint) -> String {
    let tone = match entry.level.as_str() {
        "error" => Tone::Bad,
        "warn" => Tone::Warning,
        "debug" | "trace" => Tone::Faint,
        _ => Tone::Plain,
    };
    let level = paint.on(tone, &format!("{:<5}", one_line(&entry.level)));
    format!("{} {level} {}\n", words::exact_time(entry.at), one_line(&entry.text))
}
