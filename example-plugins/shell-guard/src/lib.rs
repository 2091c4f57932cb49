//! Keeps agents from running what must not run in a shell: blocks some commands, asks a person about others.
//!
//! What it is for: a guard rail for well-meaning agents. It reads the text of the call; a program that is set on evading it can, so run
//! shells in a sandbox as well. What it costs: one pass over the arguments for each rule. How it fails: closed. Arguments that it can't read
//! are blocked, and the host blocks the call when the plugin faults.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

mod rules;

use rules::Rule;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// The tools that are shells.
    #[serde(default = "shells")]
    tools: Vec<String>,
    /// Commands that are blocked: a word is a program's name, anything else a part of the command line, `*` everything.
    #[serde(default = "dangerous")]
    forbid: Vec<String>,
    /// Commands that a person is asked about, in the same form.
    #[serde(default)]
    ask: Vec<String>,
}

fn shells() -> Vec<String> {
    ["shell", "bash", "exec"].map(String::from).into()
}

fn dangerous() -> Vec<String> {
    ["sudo", "su", "mkfs", "shutdown", "reboot"].map(String::from).into()
}

struct ShellGuard {
    tools: Vec<String>,
    forbid: Vec<Rule>,
    ask: Vec<Rule>,
}

#[plugin(isolation(shared, pool, session, call))]
impl ShellGuard {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        Ok(Self { tools: settings.tools, forbid: rules::read(&settings.forbid)?, ask: rules::read(&settings.ask)? })
    }

    /// Blocks what is forbidden, asks about what is to be asked about, and has no opinion on the rest.
    #[hook(priority = 100)]
    fn before_tool_call(&self, _: &Call, event: ToolCall) -> Option<ToolDecision> {
        if !self.tools.contains(&event.tool_name) {
            return None;
        }
        let lines = match event.params.parse().map(|params| rules::command_lines(&params)) {
            Ok(lines) => lines,
            Err(error) => return Some(ToolDecision::block(format!("shell-guard can't read the arguments: {error}"))),
        };
        if let Some(rule) = rules::first_match(&self.forbid, &lines) {
            log::warn!("blocked `{}`: {rule}", event.tool_name);
            return Some(ToolDecision::block(format!("forbidden in a shell here: {rule}")));
        }
        let rule = rules::first_match(&self.ask, &lines)?;
        Some(question(rule, &lines))
    }
}

/// A question within the bounds of what a person is shown.
fn question(rule: &Rule, lines: &[String]) -> ToolDecision {
    let shown: String = lines.join("\n").chars().take(400).collect();
    let title: String = format!("Run a command with {rule}?").chars().take(80).collect();
    ToolDecision::ask(title, format!("The agent wants to run:\n{shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(settings: serde_json::Value) -> ShellGuard {
        ShellGuard::activate(&activation(), serde_json::from_value(settings).unwrap()).unwrap()
    }

    fn activation() -> Activation {
        let reason = plugbay_sdk::ActivationReason::Install;
        Activation { reason, config: "{}".into(), granted: Vec::new(), denied: Vec::new(), previous_version: None }
    }

    fn ask(guard: &ShellGuard, tool: &str, command: &str) -> Option<ToolDecision> {
        guard.before_tool_call(&Call::default(), ToolCall::new(tool, json!({ "command": command }).to_string()))
    }

    #[test]
    fn what_is_forbidden_is_blocked_with_the_rule() {
        let guard = guard(json!({}));
        let reason = ask(&guard, "bash", "ls && sudo reboot").unwrap().block.unwrap().reason;
        assert_eq!(reason, "forbidden in a shell here: `sudo`");
        assert!(ask(&guard, "bash", "ls -l").is_none());
        assert!(ask(&guard, "read_file", "sudo reboot").is_none(), "not a shell");
    }

    #[test]
    fn what_is_asked_about_is_asked_about_and_forbidding_wins() {
        let guard = guard(json!({"tools": ["run"], "forbid": ["rm -rf"], "ask": ["git push", "rm"]}));
        let approval = ask(&guard, "run", "git  push origin main").unwrap().approval.unwrap();
        assert_eq!(approval.title, "Run a command with `git push`?");
        assert!(approval.description.contains("git  push origin main"));
        assert!(ask(&guard, "run", "rm -rf build").unwrap().block.is_some());
        assert!(ask(&guard, "run", "rm note").unwrap().approval.is_some());
        assert!(ask(&guard, "bash", "rm -rf /").is_none(), "the list of tools replaces the default one");
    }

    #[test]
    fn a_question_stays_within_its_bounds() {
        let long = "ä ".repeat(10_000);
        let guard = guard(json!({"ask": [long.as_str()]}));
        let approval = ask(&guard, "bash", &long).unwrap().approval.unwrap();
        assert!(approval.title.chars().count() <= 80 && approval.description.chars().count() <= 512);
    }

    #[test]
    fn arguments_that_cannot_be_read_are_blocked() {
        let guard = guard(json!({}));
        let mut call = ToolCall::new("exec", "{}");
        call.params = Payload::Truncated(plugbay_sdk::Truncated { bytes: 300_000 });
        let reason = guard.before_tool_call(&Call::default(), call).unwrap().block.unwrap().reason;
        assert!(reason.contains("300000 bytes"), "{reason}");
    }

    #[test]
    fn an_empty_rule_is_refused() {
        let settings: Settings = serde_json::from_value(json!({"forbid": [" "]})).unwrap();
        assert!(ShellGuard::activate(&activation(), settings).is_err());
    }
}
