//! `plugbay outbox`: what plugins handed over to people, and getting its files.

mod save;

use super::change::Why;
use super::console::Console;
use super::{End, words};
use crate::api::types::{DeliveredFile, DeliveryList, DeliveryRemoved, DeliveryView};
use crate::client::{Content, Route};
use crate::output::{self, Cell, Paint, Side, Table, Tone, cut_line, many_lines, one_line};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use hyper::Method;
use save::Target;
use std::path::PathBuf;

/// Characters of a caption in a table.
const CAPTION: usize = 60;

/// Shows deliveries, gets their files, or removes one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Outbox {
    /// For this session's people only.
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// Of this plugin only.
    #[arg(long, value_name = "ID")]
    plugin: Option<String>,
    /// With smaller numbers than this.
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
    /// So many at most.
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 100)]
    lines: usize,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a delivery.
    Show {
        /// The delivery.
        #[arg(value_parser = super::id)]
        id: String,
    },
    /// Get a delivery's files into this directory: all of them, or one.
    Get(Get),
    /// Remove a delivery, with its files.
    Remove {
        /// The delivery.
        #[arg(value_parser = super::id)]
        id: String,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Args)]
struct Get {
    /// The delivery.
    #[arg(value_parser = super::id)]
    id: String,
    /// Only this file of it, by its number.
    number: Option<u64>,
    /// Where to: a directory that is there; or, for one file, the file's name. Left out: this directory.
    #[arg(short, long = "output", value_name = "PATH")]
    output: Option<PathBuf>,
    /// Write over files that are there.
    #[arg(long)]
    force: bool,
}

impl Outbox {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let Self { session, plugin, before, lines, command } = self;
        match command {
            None => {
                let route = Route::v1(&["outbox"]).with_all("session", session).with_all("plugin", plugin).with_all("before", before);
                console.look(&route.with("limit", lines), |page, paint| list(page, lines, paint)).await
            }
            Some(Command::Show { id }) => console.look(&Route::v1(&["outbox", &id]), one).await,
            Some(Command::Get(get)) => get.run(console).await,
            Some(Command::Remove { id, why: Why { why } }) => {
                let route = Route::v1(&["outbox", &id]).with_all("why", why);
                let answer = console.client().send::<DeliveryRemoved>(Method::DELETE, &route, Content::Empty).await?;
                console.print(&answer, |removed, _| one_line(&format!("{} is removed, with its files", removed.id)) + "\n")?;
                Ok(End::Done)
            }
        }
    }
}

impl Get {
    async fn run(self, console: &Console) -> Result<End> {
        let Self { id, number, output, force } = self;
        let files = console.client().get::<DeliveryView>(&Route::v1(&["outbox", &id])).await?.value.files;
        let wanted: Vec<_> = files.iter().filter(|file| number.is_none_or(|number| file.number == number)).collect();
        match (wanted.is_empty(), number) {
            (true, Some(number)) => {
                bail!("the delivery {id} has no file {number}: it has {}", words::count(files.len() as u64, "file", "files"))
            }
            (true, None) => bail!("the delivery {id} has no files, only words"),
            _ => {}
        }
        let target = Target::new(output, wanted.len(), force)?;
        let mut got = Vec::new();
        for (file, path) in target.places(&wanted) {
            let route = Route::v1(&["outbox", &id, "files", &file.number.to_string()]);
            console.during(&format!("getting {}", file.name), target.save(console.client(), &route, &path)).await?;
            got.push((file, path));
        }
        let shown = |path: &PathBuf| path.display().to_string();
        let printed = if console.json() {
            let list: Vec<_> = got
                .iter()
                .map(|(file, path)| serde_json::json!({ "number": file.number, "path": shown(path), "bytes": file.bytes }))
                .collect();
            output::print_json(&serde_json::json!({ "files": list }))
        } else {
            let line =
                |(file, path): &(&DeliveredFile, PathBuf)| one_line(&format!("{} ({})", shown(path), words::bytes(file.bytes))) + "\n";
            output::print(&got.iter().map(line).collect::<String>())
        };
        output::unless_nobody_reads(printed)?;
        Ok(End::Done)
    }
}

fn list(page: &DeliveryList, most: usize, paint: Paint) -> String {
    if page.deliveries.is_empty() {
        return "The outbox is empty.\n".to_owned();
    }
    let columns = ["SEQ", "DELIVERY", "WHEN", "SESSION", "FROM", "FILES", "SIZE", "CAPTION"];
    let mut table = Table::new(columns.map(|name| (name, if matches!(name, "SEQ" | "FILES" | "SIZE") { Side::Right } else { Side::Left })));
    for delivery in &page.deliveries {
        table.push([
            Cell::from(delivery.seq),
            delivery.id.as_str().into(),
            words::time(delivery.at).into(),
            delivery.session.as_str().into(),
            delivery.plugin.as_str().into(),
            (delivery.files.len() as u64).into(),
            words::bytes(delivery.files.iter().map(|file| file.bytes).sum()).into(),
            cut_line(delivery.caption.as_deref().unwrap_or_default(), CAPTION).into(),
        ]);
    }
    let mut text = table.render_in(paint);
    if let Some(last) = page.deliveries.last().filter(|_| page.deliveries.len() >= most) {
        text += &format!("There may be more: --before {}\n", last.seq);
    }
    text
}

fn one(delivery: &DeliveryView, paint: Paint) -> String {
    let mut text = paint.on(Tone::Heading, &one_line(&delivery.id)) + "\n";
    let mut line = |name: &str, said: &str| text += &format!("  {name:<12} {said}\n");
    line("session", &one_line(&delivery.session));
    line("from", &one_line(&delivery.plugin));
    delivery.run.iter().for_each(|run| line("run", &one_line(run)));
    line("when", &words::time(delivery.at));
    let format = delivery.caption_format.as_deref().unwrap_or("plain");
    delivery.caption.iter().for_each(|_| line("caption", &format!("({})", one_line(format))));
    delivery.caption.iter().flat_map(|caption| caption.lines()).for_each(|words| line("", &many_lines(words)));
    for file in &delivery.files {
        let said = format!("{} {}, {}, {}", file.number, file.name, file.content_type, words::bytes(file.bytes));
        line("file", &one_line(&said));
    }
    if !delivery.files.is_empty() {
        text += &format!("  {:<12} plugbay outbox get {}\n", "get them by", one_line(&delivery.id));
    }
    text
}
