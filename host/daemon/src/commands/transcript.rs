//! What was said in a session, and what plugins did in a turn, as text.

use super::{sessions, words};
use crate::api::types::{EntryView, RanView, ReceiptList, ReceiptView, SaidKind, SkippedView, TranscriptPage};
use crate::output::{Cell, Paint, Side, Table, Tone, cut_line, many_lines, one_line};
use serde_json::Value;
use std::time::Duration;

/// Characters of what a plugin wants, in a table.
const WANTS: usize = 120;

/// Characters of an entry where only a glimpse is wanted.
const GLIMPSE: usize = 200;

/// Entries, each with its head and what was said.
pub(super) fn entries(page: &TranscriptPage, paint: Paint) -> String {
    if page.entries.is_empty() {
        return "Nothing was said here.\n".to_owned();
    }
    let shown = |entry: &EntryView| {
        let run = entry.run.as_ref().map(|run| format!(" in {run}")).unwrap_or_default();
        let head = one_line(&format!("{} {} {}{run}", entry.id, words::exact_time(entry.at), entry.role));
        let said = many_lines(&sessions::content(&entry.content));
        let said: String = said.lines().map(|line| format!("  {line}\n")).collect();
        let wanted: String = wanted(entry).map(|call| paint.on(Tone::Faint, &format!("  · {call}")) + "\n").collect();
        format!("{}\n{said}{wanted}", paint.on(Tone::Heading, &head))
    };
    let text: String = page.entries.iter().map(shown).collect();
    match page.total.saturating_sub(page.entries.len() as u64) {
        0 => text,
        others => format!("{text}{others} of {} entries aren't shown: --start, --lines\n", page.total),
    }
}

/// An entry in a line, for somebody who comes back.
pub(super) fn glimpse(entry: &EntryView, paint: Paint) -> String {
    let said = cut_line(&sessions::content(&entry.content), GLIMPSE);
    let calls: String = wanted(entry).map(|call| format!("· {call}\n")).collect();
    let line = match entry.role.as_str() {
        _ if said.is_empty() => String::new(),
        "user" => format!("> {said}\n"),
        "assistant" => format!("{said}\n"),
        role => format!("{}: {said}\n", one_line(role)),
    };
    (line + &calls).lines().map(|line| paint.on(Tone::Faint, line) + "\n").collect()
}

/// The tools that a model wanted called.
fn wanted(entry: &EntryView) -> impl Iterator<Item = String> {
    let calls = entry.meta.get("tool-calls").and_then(Value::as_array);
    let text = |call: &Value, name| call.get(name).map(sessions::content).unwrap_or_default();
    calls
        .into_iter()
        .flatten()
        .map(move |call| one_line(&format!("{} ", text(call, "name"))) + &cut_line(&text(call, "arguments"), GLIMPSE))
}

/// What plugins did in a turn: a line for each plugin, under its hook.
pub(super) fn receipts(run: &str, list: &ReceiptList, paint: Paint) -> String {
    if list.receipts.is_empty() {
        return format!(
            "No receipts of {} are kept: no plugin handles what happened in it, or it is too long ago, or the daemon was started since.\n",
            one_line(run)
        );
    }
    let (left, right) = (|name| (name, Side::Left), |name| (name, Side::Right));
    let mut table = Table::new([left("HOOK"), right("TOOK"), left("PLUGIN"), right("GEN"), right("TOOK"), left("WHAT CAME OF IT")]);
    for receipt in &list.receipts {
        of_hook(&mut table, receipt);
    }
    let beyond = match list.beyond {
        0 => String::new(),
        beyond => format!("{} of this turn weren't kept.\n", words::count(beyond, "receipt", "receipts")),
    };
    table.render_in(paint) + &beyond
}

fn of_hook(table: &mut Table<6>, receipt: &ReceiptView) {
    let mut head = [one_line(&receipt.hook), micros(receipt.took_us)];
    let mut push = |rest: [Cell; 4]| {
        let [hook, took] = std::mem::take(&mut head);
        let [plugin, generation, alone, what] = rest;
        table.push([hook.into(), took.into(), plugin, generation, alone, what]);
    };
    for ran in &receipt.ran {
        let generation = ran.generation.map_or_else(|| "-".to_owned(), |number| number.to_string());
        push([ran.plugin.as_str().into(), generation.into(), micros(ran.took_us).into(), said(ran)]);
    }
    for SkippedView { plugin, why, .. } in &receipt.skipped {
        push([plugin.as_str().into(), "-".into(), "-".into(), Cell::new(Tone::Faint, format!("skipped: {why}"))]);
    }
    if let Some(why) = &receipt.refused {
        push(["(the host)".into(), "-".into(), "-".into(), Cell::new(Tone::Bad, format!("refused: {why}"))]);
    }
}

fn said(ran: &RanView) -> Cell {
    let wants = || ran.wants.as_ref().map(|wants| cut_line(&wants.to_string(), WANTS)).unwrap_or_default();
    let why = || ran.why.clone().unwrap_or_default();
    let (tone, text) = match ran.said {
        SaidKind::Nothing => (Tone::Faint, "no opinion".to_owned()),
        SaidKind::Wants => (Tone::Plain, format!("wants {}", wants())),
        SaidKind::Ended => (Tone::Warning, format!("ended it with {}", wants())),
        SaidKind::Failed => (Tone::Bad, format!("failed, and was passed over: {}", why())),
        SaidKind::Refused => (Tone::Bad, format!("failed, which is a no: {}", why())),
        SaidKind::Queued => (Tone::Plain, "will be told".to_owned()),
        SaidKind::Told => (Tone::Plain, "was told".to_owned()),
        SaidKind::Dropped => (Tone::Bad, format!("wasn't told: {}", why())),
    };
    let extra = if ran.extra_cell { " (in a cell of its own)" } else { "" };
    Cell::new(tone, text + extra)
}

fn micros(us: u64) -> String {
    words::span(Duration::from_micros(us))
}
