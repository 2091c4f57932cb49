//! Commands at the prompt: lines that begin with a slash.

use super::super::change::Deed;
use super::super::console::{Console, Step};
use super::super::file::Component;
use super::super::{inspect, list};
use super::print;
use crate::api::types::{Because, Changed};
use crate::client::{Content, Route};
use crate::config::nearest;
use crate::output::one_line;
use anyhow::{Context, Result};
use hyper::Method;
use std::path::Path;

/// What there is.
pub(super) const HELP: &str = "\
/help                      this
/session [KEY]             which session this is, or go to another
/reset                     begin the conversation anew
/compact [WORDS]           make it smaller, keeping what the words say (needs operator.admin)
/plugins list              all plugins
/plugins show ID           one plugin
/plugins enable ID         switch a plugin on (needs operator.admin)
/plugins disable ID        switch a plugin off (needs operator.admin)
/plugins install FILE      install a plugin, or another version of it (needs operator.admin)
/quit                      leave, as Ctrl-D does
//…                        say something that begins with a slash
Ctrl-C cancels the turn; a second one leaves.
";

/// Where descriptions begin.
pub(super) const WIDTH: usize = 26;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slash {
    Help,
    Plugins(Plugins),
    Session(Option<String>),
    Reset,
    Compact(Option<String>),
    Quit,
    /// Whatever else there may be: plugins say which commands they have.
    Other(Other),
}

/// A command that isn't one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    /// Its name, without the slash.
    pub(super) name: String,
    /// What stands behind it.
    pub(super) args: String,
}

/// What to do with plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plugins {
    List,
    Show(String),
    Switch(Deed, String),
    Install(String),
}

/// All names; no plugin can claim one of these.
const NAMES: [&str; 6] = ["/help", "/session", "/reset", "/compact", "/plugins", "/quit"];

impl Slash {
    /// The command that a line is; none, if it is for the agent.
    pub(super) fn read(line: &str) -> Result<Option<Self>, String> {
        if !line.starts_with('/') || line.starts_with("//") {
            return Ok(None);
        }
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let alone = |command| if rest.is_empty() { Ok(Some(command)) } else { Err(format!("{name} takes nothing behind it")) };
        // A name that isn't among ours is a plugin's, whatever stands here.
        match NAMES.into_iter().find(|ours| *ours == name) {
            Some("/help") => alone(Self::Help),
            Some("/reset") => alone(Self::Reset),
            Some("/quit") => alone(Self::Quit),
            Some("/session") => Ok(Some(Self::Session((!rest.is_empty()).then(|| rest.to_owned())))),
            Some("/compact") => Ok(Some(Self::Compact((!rest.is_empty()).then(|| rest.to_owned())))),
            Some("/plugins") => Plugins::read(rest).map(|deed| Some(Self::Plugins(deed))),
            _ => Ok(Some(Self::Other(Other { name: name.trim_start_matches('/').to_owned(), args: rest.to_owned() }))),
        }
    }
}

/// That there is no such command, neither ours nor one of these.
pub(super) fn unknown<'n>(name: &str, of_plugins: impl IntoIterator<Item = &'n str>) -> String {
    let known = NAMES.into_iter().filter_map(|ours| ours.strip_prefix('/')).chain(of_plugins);
    let hint = nearest(name, known).map_or_else(|| "/help says what there is".to_owned(), |near| format!("did you mean `/{near}`?"));
    format!("there is no command `/{name}`: {hint}; to say it to the agent, begin with `//`")
}

impl Plugins {
    fn read(words: &str) -> Result<Self, String> {
        let (verb, subject) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let subject = subject.trim().to_owned();
        match verb {
            "" | "list" if subject.is_empty() => Ok(Self::List),
            "show" | "enable" | "disable" if subject.is_empty() => Err(format!("/plugins {verb} needs the id of a plugin")),
            "install" if subject.is_empty() => Err("/plugins install needs the file of a plugin".to_owned()),
            "show" => Ok(Self::Show(subject)),
            "enable" => Ok(Self::Switch(Deed::Enable, subject)),
            "disable" => Ok(Self::Switch(Deed::Disable, subject)),
            "install" => Ok(Self::Install(subject)),
            _ => Err("/plugins takes list, show ID, enable ID, disable ID, or install FILE".to_owned()),
        }
    }

    pub(super) async fn run(self, console: &Console) -> Result<()> {
        let changed = match self {
            Self::List => return list::all(console).await.map(drop),
            Self::Show(id) => return inspect::one(&id, console).await.map(drop),
            Self::Switch(deed, id) => {
                let because = Content::json(&Because::default()).context("can't write the request as JSON")?;
                let (doing, aside) = deed.words(&id);
                let step = Step { doing: &doing, aside, plugin: Some(&id) };
                console.changed(&step, Method::POST, &Route::v1(&["plugins", &id, deed.verb()]), because).await?
            }
            Self::Install(file) => {
                let component = Component::read(Path::new(&file))?;
                let doing = format!("installing {}", component.name());
                let step = Step { doing: &doing, aside: "is installed, and nothing of it serves", plugin: None };
                console.changed(&step, Method::POST, &Route::v1(&["plugins"]), Content::Component(component.bytes)).await?
            }
        };
        changed.map_or(Ok(()), |changed| print(&for_turns(&changed)))
    }
}

/// What a change is for turns.
fn for_turns(Changed { id, change, generation, .. }: &Changed) -> String {
    let id = one_line(id);
    match change.as_str() {
        "aside" => format!("New turns go without {id}.\n"),
        _ => format!("New turns see generation {generation} of {id}.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_gateway::RESERVED_COMMANDS;
    use std::collections::BTreeSet;

    #[test]
    fn lines_with_a_slash_are_commands() {
        let plugins = |deed| Ok(Some(Slash::Plugins(deed)));
        for (line, command) in [
            ("/help", Ok(Some(Slash::Help))),
            ("/session", Ok(Some(Slash::Session(None)))),
            ("/session  my key ", Ok(Some(Slash::Session(Some("my key".into()))))),
            ("/compact", Ok(Some(Slash::Compact(None)))),
            ("/compact  keep the numbers ", Ok(Some(Slash::Compact(Some("keep the numbers".into()))))),
            ("/plugins", plugins(Plugins::List)),
            ("/plugins list", plugins(Plugins::List)),
            ("/plugins show echo", plugins(Plugins::Show("echo".into()))),
            ("/plugins\tdisable  echo", plugins(Plugins::Switch(Deed::Disable, "echo".into()))),
            ("/plugins install my plugins/a b.wasm", plugins(Plugins::Install("my plugins/a b.wasm".into()))),
            ("//etc/passwd?", Ok(None)),
            ("a /quit", Ok(None)),
            ("/deploys  to staging ", Ok(Some(Slash::Other(Other { name: "deploys".into(), args: "to staging".into() })))),
        ] {
            assert_eq!(Slash::read(line), command, "{line}");
        }
    }

    #[test]
    fn a_command_that_is_none_is_said_to_the_person_and_not_to_the_agent() {
        for (line, says) in [
            ("/reset now", "takes nothing"),
            ("/plugins enable", "needs the id"),
            ("/plugins install", "needs the file"),
            ("/plugins swap a", "takes list"),
        ] {
            let wrong = Slash::read(line).unwrap_err();
            assert!(wrong.contains(says), "{wrong}");
        }
    }

    #[test]
    fn a_command_that_nobody_has_is_near_to_ours_and_to_those_of_plugins() {
        let says = |name: &str| unknown(name, ["deploys"]);
        assert!(says("quti").contains("did you mean `/quit`?") && says("deploy").contains("did you mean `/deploys`?"));
        assert!(says("xyzzy").contains("there is no command `/xyzzy`: /help says what there is"));
    }

    #[test]
    fn every_command_is_in_the_help_is_ours_and_can_be_no_plugins() {
        let sorted = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect::<BTreeSet<_>>();
        let ours = sorted(&mut NAMES.into_iter());
        let helped = HELP.lines().filter(|line| line.starts_with('/') && !line.starts_with("//"));
        assert_eq!(sorted(&mut helped.filter_map(|line| line.split_whitespace().next())), ours);
        assert_eq!(RESERVED_COMMANDS.map(|name| format!("/{name}")).into_iter().collect::<BTreeSet<_>>(), ours);
        assert!(NAMES.iter().all(|name| !matches!(Slash::read(name), Ok(None | Some(Slash::Other(_))))));
    }
}
