//! What is shown of a turn: on a terminal as it comes, elsewhere its last word, for programs the API's own events.
//!
//! Nothing is printed here: an event goes in, and what is to be printed comes out.

use super::super::{approvals, words};
use crate::api::types::{ToolFate, TurnEvent, TurnStatus};
use crate::output::{Paint, Tone, cut_line, json_as_it_came, many_lines, one_line};
use std::collections::HashMap;
use std::time::Duration;

/// Characters of a tool's arguments.
const ARGUMENTS: usize = 100;

/// Characters of what a tool that failed answered.
const WHY: usize = 200;

/// What is to be printed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Printed {
    /// To standard output.
    pub(super) out: String,
    /// To standard error.
    pub(super) err: String,
}

/// Where turns are shown.
#[derive(Debug)]
pub(super) struct Screen {
    kind: Kind,
    paint: Paint,
    cursor: Cursor,
    /// What was shown of the agent's words since it last called a tool.
    said: String,
    /// Calls of tools that haven't ended, by the model's names for them.
    calls: HashMap<String, String>,
    /// Whether the turn has had any words for the channel.
    has_message: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Terminal,
    Plain,
    Json,
}

/// Where a terminal's cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cursor {
    /// At the beginning of a line.
    Fresh,
    /// Behind something.
    Within,
    /// Behind the call of this tool, whose end may follow.
    Call(String),
}

impl Screen {
    /// Everything as it comes.
    pub(super) fn terminal(paint: Paint) -> Self {
        let (cursor, said, calls) = (Cursor::Fresh, String::new(), HashMap::new());
        Self { kind: Kind::Terminal, paint, cursor, said, calls, has_message: false }
    }

    /// Answers to standard output, the rest to standard error.
    pub(super) fn plain() -> Self {
        Self { kind: Kind::Plain, ..Self::terminal(Paint::NONE) }
    }

    /// Events, one to a line.
    pub(super) fn json() -> Self {
        Self { kind: Kind::Json, ..Self::terminal(Paint::NONE) }
    }

    /// What brings the cursor to the beginning of a line.
    pub(super) fn fresh_line(&mut self) -> &'static str {
        if std::mem::replace(&mut self.cursor, Cursor::Fresh) == Cursor::Fresh { "" } else { "\n" }
    }

    /// Lines beside the answer.
    pub(super) fn aside(&mut self, lines: &str) -> Printed {
        match self.kind {
            Kind::Terminal => Printed { out: format!("{}{lines}", self.fresh_line()), err: String::new() },
            Kind::Plain | Kind::Json => Printed { out: String::new(), err: lines.to_owned() },
        }
    }

    /// A question that somebody types behind.
    pub(super) fn prompt(&mut self, question: &str) -> Printed {
        let out = format!("{}{question}", self.fresh_line());
        self.cursor = Cursor::Within;
        Printed { out, err: String::new() }
    }

    /// Somebody typed a line, and the terminal showed it.
    pub(super) fn typed(&mut self) {
        self.cursor = Cursor::Fresh;
    }

    /// What is to be printed for an event that came in these words.
    pub(super) fn show(&mut self, event: &TurnEvent, came: &str) -> Printed {
        if self.kind == Kind::Json {
            return Printed { out: json_as_it_came(came), err: String::new() };
        }
        match event {
            TurnEvent::Accepted { .. } | TurnEvent::RunStarted { .. } => Printed::default(),
            TurnEvent::Text { text } => self.words(text),
            TurnEvent::ToolStarted { call_id, tool, arguments } => self.call(call_id, tool, arguments),
            TurnEvent::ToolEnded { call_id, tool, end, is_error, answer, took_ms, by } => {
                let took = words::span(Duration::from_millis(*took_ms));
                self.call_ended(call_id, tool, &ended(*end, *is_error, answer, by.as_deref(), &took))
            }
            TurnEvent::ApprovalAsked { approval } => self.aside(&approvals::question(approval, self.paint)),
            TurnEvent::ApprovalResolved { settled } => self.aside(&format!("  {}\n", one_line(&approvals::outcome(settled)))),
            TurnEvent::Message { text } => self.message(text),
            TurnEvent::Blocked { by, message } => {
                let mut printed = message.as_ref().map(|text| self.message(text)).unwrap_or_default();
                let by = by.as_deref().unwrap_or("the host");
                printed.add(self.bad(&format!("{by} blocked the turn")));
                printed
            }
            TurnEvent::Failed { error } => self.bad(&format!("the turn failed: {error}")),
            TurnEvent::Cancelled => self.bad("the turn was cancelled"),
            TurnEvent::Interrupted => self.bad("the daemon stops, and the turn with it"),
            TurnEvent::End { status } => self.end(*status),
        }
    }

    /// Words of the model. Only a terminal shows them as they come.
    fn words(&mut self, text: &str) -> Printed {
        if self.kind != Kind::Terminal || text.is_empty() {
            return Printed::default();
        }
        let begins = if matches!(self.cursor, Cursor::Call(_)) { self.fresh_line() } else { "" };
        self.cursor = if text.ends_with('\n') { Cursor::Fresh } else { Cursor::Within };
        self.said += text;
        Printed { out: format!("{begins}{}", many_lines(text)), err: String::new() }
    }

    /// What goes to the channel. Words that were shown already aren't shown again.
    fn message(&mut self, text: &str) -> Printed {
        let is_shown = self.said.trim_end().ends_with(text.trim_end());
        self.has_message = true;
        let begins = self.fresh_line();
        let out = if is_shown && self.kind == Kind::Terminal { begins.to_owned() } else { format!("{begins}{}\n", many_lines(text)) };
        Printed { out, err: String::new() }
    }

    /// A tool is called. On a terminal its line waits for the end.
    fn call(&mut self, call_id: &str, tool: &str, arguments: &str) -> Printed {
        let call = format!("· {} {}", one_line(tool), cut_line(arguments, ARGUMENTS));
        self.said.clear();
        let mut printed = Printed::default();
        if self.kind == Kind::Terminal {
            printed.out = format!("{}{}", self.fresh_line(), self.paint.on(Tone::Faint, &call));
            self.cursor = Cursor::Call(call_id.to_owned());
        }
        self.calls.insert(call_id.to_owned(), call);
        printed
    }

    /// How it ended: behind the call, or in a line with it where something came between.
    fn call_ended(&mut self, call_id: &str, tool: &str, ended: &(Tone, String)) -> Printed {
        let call = self.calls.remove(call_id).unwrap_or_else(|| format!("· {}", one_line(tool)));
        let (tone, words) = ended;
        let words = self.paint.on(*tone, words);
        if self.cursor == Cursor::Call(call_id.to_owned()) {
            self.cursor = Cursor::Fresh;
            return Printed { out: format!(" -> {words}\n"), err: String::new() };
        }
        let call = self.paint.on(Tone::Faint, &call);
        self.aside(&format!("{call} -> {words}\n"))
    }

    fn bad(&mut self, what: &str) -> Printed {
        let line = self.paint.on(Tone::Bad, &one_line(what));
        self.aside(&format!("{line}\n"))
    }

    fn end(&mut self, status: TurnStatus) -> Printed {
        let has_message = std::mem::take(&mut self.has_message);
        self.said.clear();
        self.calls.clear();
        match status {
            TurnStatus::Taken if !has_message => self.aside("a plugin took the message, and answers nothing\n"),
            TurnStatus::Done if !has_message => self.aside("a plugin keeps the answer back\n"),
            _ => Printed { out: self.fresh_line().to_owned(), err: String::new() },
        }
    }
}

impl Printed {
    fn add(&mut self, other: Self) {
        self.out += &other.out;
        self.err += &other.err;
    }
}

/// How a call of a tool ended, in a few words.
fn ended(end: ToolFate, is_error: bool, answer: &str, by: Option<&str>, took: &str) -> (Tone, String) {
    let why = cut_line(answer, WHY);
    let by = by.map(|by| format!(" by {}", one_line(by))).unwrap_or_default();
    match end {
        ToolFate::Answered if is_error => (Tone::Warning, format!("answered in {took} that it can't: {why}")),
        ToolFate::Answered => (Tone::Good, format!("answered in {took}")),
        ToolFate::Failed => (Tone::Bad, format!("failed: {why}")),
        ToolFate::Blocked => (Tone::Warning, format!("blocked{by}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What is printed for these events: to standard output, and to standard error.
    fn shown(mut screen: Screen, events: &[Value]) -> (String, String) {
        let mut printed = Printed::default();
        for event in events {
            let text = event.to_string();
            printed.add(screen.show(&serde_json::from_str(&text).unwrap(), &text));
        }
        (printed.out, printed.err)
    }

    fn says(text: &str) -> Value {
        json!({ "event": "text", "text": text })
    }

    fn message(text: &str) -> Value {
        json!({ "event": "message", "text": text })
    }

    fn calls(id: &str) -> Value {
        json!({ "event": "tool-started", "call_id": id, "tool": "add", "arguments": "{\"a\":\n1}" })
    }

    fn ends(id: &str, end: &str, by: Option<&str>) -> Value {
        json!({ "event": "tool-ended", "call_id": id, "tool": "add", "end": end, "is_error": end != "answered", "answer": "no\u{1b}[2J", "took_ms": 3, "by": by })
    }

    fn end(status: &str) -> Value {
        json!({ "event": "end", "status": status })
    }

    #[test]
    fn a_terminal_shows_words_as_they_come_and_the_message_not_again() {
        let turn = [says("It "), says("rains.\u{1b}[2J"), message("It rains.\u{1b}[2J"), end("done")];
        assert_eq!(shown(Screen::terminal(Paint::NONE), &turn), ("It rains.\\u{1b}[2J\n".into(), String::new()));
        let changed = [says("It rains."), message("It pours."), end("done")];
        assert_eq!(shown(Screen::terminal(Paint::NONE), &changed).0, "It rains.\nIt pours.\n");
        assert_eq!(shown(Screen::terminal(Paint::NONE), &[message("a\nb"), end("taken")]).0, "a\nb\n");
    }

    #[test]
    fn elsewhere_only_the_message_is_an_answer() {
        let turn = [says("Let me see."), calls("1"), ends("1", "answered", None), says("It rains."), message("It rains."), end("done")];
        let (out, err) = shown(Screen::plain(), &turn);
        assert_eq!((out.as_str(), err.as_str()), ("It rains.\n", "· add {\"a\":\\u{a}1} -> answered in 3.0 ms\n"));
    }

    #[test]
    fn a_tool_is_a_line_whatever_comes_between() {
        let plain = [says("Look:"), calls("1"), ends("1", "answered", None), says("Done.")];
        assert_eq!(shown(Screen::terminal(Paint::NONE), &plain).0, "Look:\n· add {\"a\":\\u{a}1} -> answered in 3.0 ms\nDone.");
        let settled =
            json!({ "event": "approval-resolved", "settled": { "plugin": "p", "title": "t", "resolution": "deny", "by": "uid:0" } });
        let asked = [calls("1"), settled, ends("1", "blocked", Some("guard"))];
        assert_eq!(
            shown(Screen::terminal(Paint::NONE), &asked).0,
            "· add {\"a\":\\u{a}1}\n  denied by uid:0\n· add {\"a\":\\u{a}1} -> blocked by guard: no\\u{1b}[2J\n"
        );
    }

    #[test]
    fn whatever_ends_a_turn_is_said() {
        for (event, status, said) in [
            (json!({ "event": "failed", "error": "no model" }), "failed", "the turn failed: no model\n"),
            (json!({ "event": "cancelled" }), "cancelled", "the turn was cancelled\n"),
            (json!({ "event": "interrupted" }), "interrupted", "the daemon stops, and the turn with it\n"),
            (json!({ "event": "blocked", "by": "guard" }), "blocked", "guard blocked the turn\n"),
            (says(""), "taken", "a plugin took the message, and answers nothing\n"),
            (says(""), "done", "a plugin keeps the answer back\n"),
        ] {
            let turn = [event, end(status)];
            assert_eq!(shown(Screen::plain(), &turn), (String::new(), said.into()));
            assert_eq!(shown(Screen::terminal(Paint::NONE), &turn), (said.into(), String::new()));
        }
        let blocked = json!({ "event": "blocked", "by": "guard", "message": "Not today." });
        assert_eq!(shown(Screen::plain(), &[blocked]), ("Not today.\n".into(), "guard blocked the turn\n".into()));
    }

    #[test]
    fn one_turn_leaves_nothing_to_the_next() {
        let turns = [says("Yes."), message("Yes."), end("done"), message("Yes."), end("done"), end("taken")];
        assert_eq!(shown(Screen::terminal(Paint::NONE), &turns).0, "Yes.\nYes.\na plugin took the message, and answers nothing\n");
    }

    #[test]
    fn programs_get_the_events_as_they_came() {
        let (out, err) = shown(Screen::json(), &[says("\u{9b}31m"), end("done")]);
        assert_eq!(out.lines().collect::<Vec<_>>(), [r#"{"event":"text","text":"\u009b31m"}"#, r#"{"event":"end","status":"done"}"#]);
        assert_eq!(err, "");
    }
}
