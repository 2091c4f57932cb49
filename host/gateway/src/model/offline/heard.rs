//! From a request to what the offline model does about it: which message counts, which of its rounds this is, and what stands in it.

use super::command::{Command, command};
use super::digest::digest;
use crate::model::{ModelMessage, ModelRequest};

/// The characters of a message that an answer quotes.
const QUOTED: usize = 200;

/// The characters of a tool's answer that a summary repeats.
const REPEATED: usize = 1_000;

/// How instructions begin that want a summary of the last message instead of an answer to it.
const SUMMARISE: &str = "Summarise";

/// What to do about a request, in order.
pub(super) fn heard(request: &ModelRequest) -> Vec<Command> {
    let messages = request.messages.as_slice();
    let asked = messages.iter().rposition(|message| matches!(message, ModelMessage::User { .. }));
    let since = |index: Option<usize>| messages.get(index.map_or(0, |at| at + 1)..).unwrap_or_default();
    let answers = since(asked).iter().filter(|message| is_own(message)).count();
    let news = since(messages.iter().rposition(is_own));

    let text = asked.and_then(|at| messages.get(at)).map_or("", text_of);
    if let Some(instructions) = request.system.as_deref().filter(|system| system.starts_with(SUMMARISE)) {
        let lines: Vec<&str> = instructions.lines().collect();
        return commands(request, &lines).unwrap_or_default().into_iter().chain([Command::Say(digest(instructions, text))]).collect();
    }
    if let Some(lines) = rounds(text).nth(answers) {
        return commands(request, &lines).unwrap_or_else(|| vec![described(request, text)]);
    }
    let results: Vec<_> = news.iter().filter_map(|message| result(messages, message)).collect();
    if !results.is_empty() {
        return vec![Command::Say(results.join("\n"))];
    }
    // No round is left, and nothing came from a tool: instructions, then, as the host gives them when it wants a second try.
    let said = news.last().map_or("", text_of);
    let first = rounds(said).next().unwrap_or_default();
    commands(request, &first).unwrap_or_else(|| vec![described(request, said)])
}

fn is_own(message: &ModelMessage) -> bool {
    matches!(message, ModelMessage::Assistant { .. })
}

fn text_of(message: &ModelMessage) -> &str {
    match message {
        ModelMessage::System { text } | ModelMessage::User { text } | ModelMessage::Assistant { text, .. } => text,
        ModelMessage::Tool { content, .. } => content,
    }
}

/// The lines of each round: `then` alone on a line begins the next one.
fn rounds(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let rounds: Vec<Vec<&str>> = lines.split(|line| line.trim() == "then").map(<[&str]>::to_vec).collect();
    rounds.into_iter()
}

/// The commands among some lines; lines that don't begin with one are passed over. Nothing when there is no command at all.
fn commands(request: &ModelRequest, lines: &[&str]) -> Option<Vec<Command>> {
    let found: Vec<Command> = lines.iter().filter_map(|line| command(line, request)).collect();
    (!found.is_empty()).then_some(found)
}

/// What a tool answered, with its name, where the message is such an answer.
fn result(messages: &[ModelMessage], message: &ModelMessage) -> Option<String> {
    let ModelMessage::Tool { call_id, content } = message else { return None };
    let calls = messages.iter().rev().filter_map(|message| match message {
        ModelMessage::Assistant { tool_calls, .. } => Some(tool_calls),
        _ => None,
    });
    let name = calls.flatten().find(|call| call.id == *call_id).map_or("a tool", |call| call.name.as_str());
    Some(format!("`{name}` answered: {}", start(content, REPEATED)))
}

fn described(request: &ModelRequest, said: &str) -> Command {
    let (messages, tools) = (request.messages.len(), request.tools.len());
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    Command::Say(format!(
        "This is the offline model, which carries out commands and understands nothing else. It was given {messages} message{}, {tools} tool{}, and this: \"{}\"",
        plural(messages),
        plural(tools),
        start(said, QUOTED)
    ))
}

fn start(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
