//! Turns what an agent has to say, or a whole conversation, into a file for people.
//!
//! What it is for: a report is more than an answer in a chat: it has a title, sections and contents, and is a file that can be kept and passed on. The agent writes one with a tool, a person has one made of the
//! conversation, and who wants to has a digest each day. What it costs: one pass over the text; a digest is a turn a day. How it fails: a report is delivered whole, or says how much of it was; nothing in it
//! is ever run.

#![forbid(unsafe_code)]

mod blocks;
mod conversation;
mod csv;
mod digest;
mod html;
mod markdown;
mod moment;
mod parts;
mod sheet;
#[cfg(test)]
mod tests;
mod written;

use conversation::{Reported, Unreported, Wish};
use digest::When;
use plugbay_sdk::prelude::*;
use sheet::Format;
use written::Written;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// The format of reports for which nobody says one.
    #[serde(default)]
    format: Format,
    /// Entries of a conversation that one report has at most, the newest: 1 to 50,000.
    #[serde(default = "entries")]
    entries: u64,
}

fn entries() -> u64 {
    5_000
}

/// Which report of a session.
#[plugbay_sdk::args]
struct Asked {
    /// In which format; what the operator has set, if left out.
    #[serde(default)]
    format: Option<Format>,
    /// Whether calls of tools and their answers are in it.
    #[serde(default)]
    tools: bool,
}

struct ReportWriter {
    settings: Settings,
}

#[plugin(
    isolation(shared, pool, session, call),
    ui(
        id = "reports",
        surface = "session",
        label = "Reports",
        description = "Reports of this session, and its digest",
        actions("report-session", "digest", "stop-digest")
    )
)]
impl ReportWriter {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        if !(1..=50_000).contains(&settings.entries) {
            return Err(Error::new(format!("the setting `entries` of report-writer is {}: it may be 1 to 50000", settings.entries)));
        }
        Ok(Self { settings })
    }

    /// Writes a report and hands it to the people of this conversation as a file, with a title, a table of contents and sections. Use it for what is to be kept or passed on; for everything else an answer is enough.
    #[tool(title = "Write a report", risk = "low", tags("report", "file"))]
    fn write_report(&self, call: &Call, report: Written) -> ToolResult {
        let delivered = || written::deliver(call.session()?, self.settings.format, report);
        match delivered() {
            Ok(sent) => {
                ToolResult::text(format!("Delivered as {}. People have the file; don't repeat what is in it.", sent.files.join(", ")))
            }
            Err(error) => ToolResult::failed(format!("There is no report: {error}")),
        }
    }

    /// Makes a file of this conversation, and puts it into the session's outbox.
    #[action(title = "Report of this session")]
    fn report_session(&self, call: &Call, params: Asked) -> Result<ActionResult> {
        match conversation::report(call, &self.wish(params.format, params.tools))? {
            Ok(reported) => {
                let Reported { sent, entries, left_out } = &reported;
                let result = json!({ "files": sent.files, "deliveries": sent.deliveries, "entries": entries, "left-out": left_out });
                Ok(ActionResult::done().result(&result)?.reply(words(&reported)))
            }
            Err(unreported) => Ok(failure(&unreported)),
        }
    }

    /// Has the agent write a digest of this session each day.
    #[action(title = "Digest each day")]
    fn digest(&self, call: &Call, when: When) -> Result<ActionResult> {
        let Some(session) = &call.session else { return Ok(failure(&Unreported::NoSession)) };
        match digest::plan(session, self.settings.format, &when)? {
            Ok(job) => {
                let next = job.next_at.map(|at| format!(", next at {}", moment::minute(at))).unwrap_or_default();
                let done = ActionResult::done().result(&json!({ "job": job.id, "next-at": job.next_at }))?;
                Ok(done.reply(format!("The agent writes a digest at {} ({}){next}.", when.at.trim(), when.zone.trim())))
            }
            Err(unplanned) => Ok(ActionResult::failed(unplanned.words()).code(unplanned.code())),
        }
    }

    /// No digest of this session any more.
    #[action(title = "No digest any more")]
    fn stop_digest(&self, call: &Call) -> Result<ActionResult> {
        let Some(session) = &call.session else { return Ok(failure(&Unreported::NoSession)) };
        Ok(match digest::stop(session) {
            Ok(true) => ActionResult::done().reply("There is no digest of this session any more."),
            Ok(false) => ActionResult::failed("this session has no digest").code("no-digest"),
            Err(error) => ActionResult::failed(error.to_string()).code(error.code()),
        })
    }

    /// Makes a file of this conversation: markdown, html or csv.
    #[command(args = "[markdown | html | csv] [tools]")]
    fn report(&self, call: &Call, text: &str) -> Result<String> {
        let mut wanted: Vec<&str> = text.split_whitespace().collect();
        let tools = wanted.last().is_some_and(|word| word.eq_ignore_ascii_case("tools"));
        if tools {
            wanted.pop();
        }
        let format = match *wanted.as_slice() {
            [] => None,
            [name] if Format::named(name).is_some() => Format::named(name),
            _ => {
                return Err(Error::new(
                    "`/report` takes `markdown`, `html` or `csv`, and `tools` if tools' calls and answers are to be in it",
                ));
            }
        };
        match conversation::report(call, &self.wish(format, tools))? {
            Ok(reported) => Ok(words(&reported)),
            Err(unreported) => Err(Error::new(unreported.words())),
        }
    }
}

impl ReportWriter {
    fn wish(&self, format: Option<Format>, tools: bool) -> Wish {
        Wish { format: format.unwrap_or(self.settings.format), tools, most: self.settings.entries }
    }
}

fn failure(unreported: &Unreported) -> ActionResult {
    ActionResult::failed(unreported.words()).code(unreported.code())
}

/// What was delivered, for people.
fn words(reported: &Reported) -> String {
    let Reported { sent, entries, left_out } = reported;
    let files = match sent.files.as_slice() {
        [one] => one.clone(),
        many => format!("{} files in {} deliveries", many.len(), sent.deliveries.len()),
    };
    let left_out = if *left_out == 0 { String::new() } else { format!("; the first {left_out} entries are left out") };
    format!("{files}: {entries} entries{left_out}.")
}
