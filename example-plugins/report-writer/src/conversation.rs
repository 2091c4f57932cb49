//! A report of a conversation, for a person.
//!
//! What it is for: the action `report-session` and the command `/report`. What it costs: the transcript is read a page at a time, and written as it is read; files go when a delivery is full. How it fails: without
//! the grant `conversation` there is no transcript, and the answer says so; an entry that is too large for a plugin is named, with its size, in its place.

use crate::blocks::clean;
use crate::moment::{minute, now};
use crate::parts::{Parts, Sent, Undelivered};
use crate::sheet::{Cover, ENTRIES, Format, Piece};
use crate::written::{file_name, line};
use plugbay_sdk::prelude::*;

/// Entries that are read at once.
const PAGE: u32 = 200;

/// Which report.
pub(crate) struct Wish {
    pub(crate) format: Format,
    /// Whether calls of tools and their answers are in it.
    pub(crate) tools: bool,
    /// Entries at most: the newest.
    pub(crate) most: u64,
}

/// What was delivered, and of how many entries.
pub(crate) struct Reported {
    pub(crate) sent: Sent,
    pub(crate) entries: u64,
    pub(crate) left_out: u64,
}

/// Why there is no report.
#[derive(Debug)]
pub(crate) enum Unreported {
    NoSession,
    NoTranscript,
    Empty,
    Undelivered(Undelivered),
}

impl Unreported {
    /// A word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoSession => "no-session",
            Self::NoTranscript => "no-transcript",
            Self::Empty => "empty",
            Self::Undelivered(undelivered) => undelivered.why.code(),
        }
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::NoSession => "say which session the report is to be about".into(),
            Self::NoTranscript => "the conversation can't be read: report-writer needs the grant `conversation`".into(),
            Self::Empty => "nothing was said in this session yet".into(),
            Self::Undelivered(undelivered) => undelivered.words(),
        }
    }
}

/// Writes and delivers it. An outer error is the plugin's own.
pub(crate) fn report(call: &Call, wish: &Wish) -> Result<Result<Reported, Unreported>> {
    let Some(session) = &call.session else { return Ok(Err(Unreported::NoSession)) };
    let Some(transcript) = &call.transcript else { return Ok(Err(Unreported::NoTranscript)) };
    let (key, all) = (line(&session.key()?), transcript.len());
    if all == 0 {
        return Ok(Err(Unreported::Empty));
    }
    let left_out = all.saturating_sub(wish.most);
    let cover = cover(&key, all, left_out);
    let parts = Parts::new(session, wish.format, file_name(&format!("session {key}")), cover);
    let written = write(parts, transcript, left_out, wish.tools);
    Ok(written.map(|(sent, entries)| Reported { sent, entries, left_out }).map_err(Unreported::Undelivered))
}

fn cover(key: &str, all: u64, left_out: u64) -> Cover {
    let mut about = vec![format!("Written {}; the conversation has {all} entries", minute(now()))];
    if left_out > 0 {
        about.push(format!("The first {left_out} are left out (setting `entries` of report-writer)"));
    }
    // A file's title has room for so much of a key.
    let key: String = key.chars().take(200).collect();
    Cover { title: format!("Session {key}"), about, contents: Vec::new(), columns: ENTRIES }
}

fn write(mut parts: Parts, transcript: &Transcript, from: u64, tools: bool) -> Result<(Sent, u64), Undelivered> {
    let (mut at, mut written) = (from, 0);
    loop {
        let page = transcript.window(at, PAGE);
        if page.is_empty() {
            return Ok((parts.finish()?, written));
        }
        at += page.len() as u64;
        for entry in &page {
            let text = said(entry, tools);
            if !text.trim().is_empty() {
                parts.piece(&Piece::Entry { id: entry.id, at: entry.at, speaker: speaker(entry.role), text: &text })?;
                written += 1;
            }
        }
    }
}

/// The words of an entry; empty, if it has none that are wanted.
fn said(entry: &Entry, tools: bool) -> String {
    if entry.role == Role::Tool && !tools {
        return String::new();
    }
    let json = match &entry.content {
        Payload::Json(json) => json,
        Payload::Truncated(cut) => return format!("(This entry has {} bytes, which is more than can be shown here.)", cut.bytes),
    };
    let text = match serde_json::from_str(json) {
        Ok(Value::String(text)) => text,
        Ok(Value::Array(parts)) => parts.iter().filter_map(|part| words(part, tools)).collect::<Vec<_>>().join("\n\n"),
        Ok(_) | Err(_) => fenced(json),
    };
    clean(&text)
}

/// A part's words. What has none is a call of a tool, or the like.
fn words(part: &Value, tools: bool) -> Option<String> {
    match part.get("text").unwrap_or(part) {
        Value::String(text) => Some(text.clone()),
        other => tools.then(|| fenced(&other.to_string())),
    }
}

fn fenced(json: &str) -> String {
    format!("```\n{json}\n```")
}

fn speaker(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}
