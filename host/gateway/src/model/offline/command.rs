//! The offline model's commands: one line each. What isn't quite a command is answered with what is wrong with it, not guessed at.

use crate::model::{ModelFailure, ModelRequest, UnknownFailure};
use std::time::Duration;

/// The most words that `long` says.
const MOST_WORDS: u32 = 100_000;

/// The longest that `slow` waits before each piece.
const MOST_MILLISECONDS: u32 = 60_000;

/// What a line tells the offline model to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Ask for a tool, with these arguments, word for word.
    Use { tool: String, arguments: String },
    /// Say this.
    Say(String),
    /// Say so many words.
    Long(u32),
    /// Wait so long before each piece from now on.
    Slow(Duration),
    /// Fail in this way.
    Fail(ModelFailure),
}

/// The command on a line, if it begins with one. What is wrong with it is something to say, and so is what the model was given.
pub(super) fn command(line: &str, request: &ModelRequest) -> Option<Command> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let parsed = match word {
        "use" => tool(rest),
        "say" => Ok(Command::Say(rest.to_owned())),
        "long" => number(rest, MOST_WORDS).map(Command::Long),
        "slow" => number(rest, MOST_MILLISECONDS).map(|ms| Command::Slow(Duration::from_millis(ms.into()))),
        "fail" => rest.parse().map(Command::Fail).map_err(|unknown: UnknownFailure| unknown.to_string()),
        "show" => shown(rest, request).map(Command::Say),
        _ => return None,
    };
    Some(parsed.unwrap_or_else(|problem| Command::Say(format!("The offline model doesn't understand `{line}`: {problem}."))))
}

fn tool(rest: &str) -> Result<Command, String> {
    let (tool, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let arguments = arguments.trim_start();
    match tool {
        "" => Err("expected `use <tool> {arguments}`".into()),
        tool => Ok(Command::Use { tool: tool.to_owned(), arguments: if arguments.is_empty() { "{}" } else { arguments }.to_owned() }),
    }
}

fn number(rest: &str, most: u32) -> Result<u32, String> {
    rest.parse().ok().filter(|number| *number <= most).ok_or_else(|| format!("expected a whole number up to {most}"))
}

fn shown(what: &str, request: &ModelRequest) -> Result<String, String> {
    match what {
        "model" => Ok(format!("model `{}`, thinking {}", request.model, request.thinking.as_deref().unwrap_or("as usual"))),
        "system" => Ok(request.system.clone().unwrap_or_else(|| "no system prompt".into())),
        "messages" => serde_json::to_string(&request.messages).map_err(|error| error.to_string()),
        "tools" if request.tools.is_empty() => Ok("no tools".into()),
        "tools" => Ok(request.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>().join(", ")),
        _ => Err("expected `show` with `model`, `system`, `messages` or `tools`".into()),
    }
}
