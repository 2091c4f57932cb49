//! The one list of what a plugin may export. To add a hook: one WIT interface, one line in [`TABLE`].
//!
//! What it is for: the bindings, the glue of `#[plugin]`, the list of names in its errors all come from here. What it costs: nothing at run
//! time. How it fails: a name that isn't in it is answered with the nearest one that is.

use crate::offers::OFFERS;

/// The version of the WIT package.
pub(crate) const API_VERSION: &str = "0.1.0";

/// The interfaces that the SDK imports. What a plugin doesn't use vanishes when it is linked.
pub(crate) const IMPORTS: &[&str] = &[
    "types",
    "log",
    "config",
    "run-context",
    "sessions",
    "keyed-store",
    "session-state",
    "events",
    "injections",
    "tokens",
    "model",
    "subagents",
    "schedule",
    "attachments",
];

/// The interfaces that a context engine can't be without.
pub(crate) const ENGINE: [&str; 3] = ["context-ingest", "context-assemble", "context-compact"];

/// What an exported function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The beginning of a cell: makes the plugin's value.
    Activate,
    /// The end of a cell.
    Deactivate,
    /// Told once that the plugin is live.
    Started,
    /// Hands its memory to the next version.
    Save,
    /// Takes over the memory of the previous version.
    Restore,
    /// A hook that may answer with an outcome.
    Answer,
    /// A hook that only looks.
    Observe,
    /// What one plugin is asked for and nobody else, so that it has to answer.
    Serve,
    /// Makes what is shown of a session's state, which may be anything that can be JSON.
    Project,
}

/// What a hook may be limited to some of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narrowing {
    /// Nothing.
    None,
    /// It is about a tool: `tools(…)`.
    Tools,
    /// It is about an event: `topics(…)`.
    Topics,
}

/// One method that `#[plugin]` knows.
#[derive(Debug)]
pub(crate) struct Row {
    /// The method's name.
    pub(crate) method: &'static str,
    /// The interface that it makes the plugin export.
    pub(crate) interface: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
    /// The SDK's name of a hook's event.
    pub(crate) event: &'static str,
    /// The SDK's name of a hook's outcome; the contract's, too, where the plugin has to answer.
    pub(crate) outcome: Option<&'static str>,
    /// What a hook may be limited to some of.
    pub(crate) narrowing: Narrowing,
}

/// A method of the plugin's own life.
const fn life(method: &'static str, interface: &'static str, kind: Kind) -> Row {
    Row { method, interface, kind, event: "", outcome: None, narrowing: Narrowing::None }
}

/// A hook that only looks, unless more is said.
const fn hook(method: &'static str, interface: &'static str, event: &'static str) -> Row {
    Row { method, interface, kind: Kind::Observe, event, outcome: None, narrowing: Narrowing::None }
}

impl Row {
    /// It may answer with this.
    const fn answers(self, outcome: &'static str) -> Self {
        Self { kind: Kind::Answer, outcome: Some(outcome), ..self }
    }

    /// It has to answer with this, which is what the contract calls it.
    const fn serves(self, outcome: &'static str) -> Self {
        Self { kind: Kind::Serve, outcome: Some(outcome), ..self }
    }

    /// It may be limited to some of these.
    const fn of(self, narrowing: Narrowing) -> Self {
        Self { narrowing, ..self }
    }

    /// Whether this is a hook, which takes options.
    pub(crate) fn is_hook(&self) -> bool {
        matches!(self.kind, Kind::Answer | Kind::Observe | Kind::Serve | Kind::Project)
    }

    /// Whether this is a part of a context engine.
    pub(crate) fn is_engine(&self) -> bool {
        self.interface.starts_with("context-")
    }

    /// The contract's name of what it answers, if it answers anything.
    pub(crate) fn answer(&self) -> Option<&'static str> {
        if self.kind == Kind::Serve { self.outcome } else { self.outcome.map(|_| "Outcome") }
    }
}

/// All of them.
pub(crate) const TABLE: &[Row] = &[
    life("activate", "plugin", Kind::Activate),
    life("deactivate", "plugin", Kind::Deactivate),
    life("started", "startup", Kind::Started),
    life("save", "handover", Kind::Save),
    life("restore", "handover", Kind::Restore),
    hook("before_agent_run", "before-agent-run", "RunAsked").answers("RunDecision"),
    hook("before_agent_reply", "before-agent-reply", "ReplyAsked").answers("Reply"),
    hook("before_agent_finalize", "before-agent-finalize", "Answer").answers("Finalize"),
    hook("agent_end", "agent-end", "TurnEnded"),
    hook("before_model_resolve", "before-model-resolve", "ModelAsked").answers("ModelChoice"),
    hook("llm_input", "llm-input", "ModelInput"),
    hook("llm_output", "llm-output", "ModelOutput"),
    hook("before_tool_call", "before-tool-call", "ToolCall").answers("ToolDecision").of(Narrowing::Tools),
    hook("after_tool_call", "after-tool-call", "ToolEnded").of(Narrowing::Tools),
    hook("message_received", "message-received", "Message"),
    hook("before_dispatch", "before-dispatch", "MessageAsked").answers("DispatchClaim"),
    hook("message_sent", "message-sent", "Sent"),
    hook("agent_turn_prepare", "agent-turn-prepare", "TurnPrepared").answers("TurnContext"),
    hook("before_prompt_build", "before-prompt-build", "PromptAsked").answers("PromptChange"),
    hook("heartbeat_prompt", "heartbeat-prompt", "Heartbeat").answers("HeartbeatContext"),
    hook("before_message_write", "before-message-write", "Written").answers("WriteDecision"),
    hook("tool_result_persist", "tool-result-persist", "ToolAnswer").answers("AnswerChange").of(Narrowing::Tools),
    hook("message_sending", "message-sending", "Sending").answers("SendDecision"),
    hook("before_install", "before-install", "Installing").answers("InstallDecision"),
    hook("model_call_started", "model-call-started", "ModelCall"),
    hook("model_call_ended", "model-call-ended", "ModelCallEnd"),
    hook("session_start", "session-start", "SessionBegan"),
    hook("session_end", "session-end", "SessionEnded"),
    hook("before_reset", "before-reset", "Resetting"),
    hook("before_compaction", "before-compaction", "Compacting"),
    hook("after_compaction", "after-compaction", "Compacted"),
    hook("subagent_spawned", "subagent-spawned", "Spawned"),
    hook("subagent_ended", "subagent-ended", "SubagentEnd"),
    hook("gateway_start", "gateway-start", "Started"),
    hook("gateway_stop", "gateway-stop", "Stopping"),
    hook("job_changed", "job-changed", "JobChange"),
    hook("tool_policy", "tool-policy", "PolicyAsked").answers("PolicyDecision").of(Narrowing::Tools),
    hook("agent_events", "agent-events", "AgentEvent").of(Narrowing::Topics),
    hook("approvals", "approvals", "ApprovalEnd"),
    hook("timers", "timers", "Timer"),
    hook("cleanup", "cleanup", "CleanupAsked"),
    hook("context_ingest", "context-ingest", "Ingesting").serves("Ingested"),
    hook("context_assemble", "context-assemble", "Assembling").serves("Assembled"),
    hook("context_compact", "context-compact", "CompactionAsked").serves("Compaction"),
    hook("context_bootstrap", "context-bootstrap", "Bootstrapping").serves("Bootstrapped"),
    hook("context_turn", "context-turn", "TurnDone").serves("TurnRecord"),
    hook("context_maintain", "context-maintain", "Maintaining"),
    hook("context_spawn", "context-spawn", "Spawning").serves("Prepared"),
    hook("context_spawn_end", "context-spawn-end", "SpawnEnded"),
    hook("context_dispose", "context-dispose", "Disposing"),
    Row { kind: Kind::Project, ..hook("session_projection", "session-projection", "Projecting") },
];

/// The row of a method.
pub(crate) fn find(method: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.method == method)
}

/// The method whose name is most like this one, if any is like it at all.
pub(crate) fn nearest(method: &str) -> Option<&'static str> {
    let likeness = |row: &&Row| strsim::jaro_winkler(row.method, method);
    let best = TABLE.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.75).then_some(best.method)
}

/// The exported interfaces, each once, in the table's order; those of what is offered by name last.
pub(crate) fn interfaces() -> Vec<&'static str> {
    let mut all = Vec::new();
    for row in TABLE {
        if !all.contains(&row.interface) {
            all.push(row.interface);
        }
    }
    all.extend(OFFERS.iter().map(|offer| offer.interface));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hooks_method_is_its_interface_in_snake_case() {
        for row in TABLE.iter().filter(|row| row.is_hook()) {
            assert_eq!(row.method, row.interface.replace('-', "_"));
        }
    }

    #[test]
    fn no_method_and_no_name_stands_twice() {
        let mut names: Vec<&str> = TABLE.iter().map(|row| row.method).collect();
        names.extend(TABLE.iter().filter(|row| row.is_hook()).map(|row| row.event));
        names.extend(TABLE.iter().filter_map(|row| row.outcome));
        for (at, name) in names.iter().enumerate() {
            assert!(!names[..at].contains(name), "{name}");
        }
    }

    #[test]
    fn every_interface_that_the_contract_exports_has_a_row() {
        let worlds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/worlds.wit");
        let text = std::fs::read_to_string(worlds).unwrap();
        let exported = text.lines().filter_map(|line| line.trim().strip_prefix("export ")?.strip_suffix(';'));
        let (mut exported, mut known): (Vec<&str>, _) = (exported.collect(), interfaces());
        exported.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, exported);
    }

    #[test]
    fn a_misspelt_name_finds_its_hook() {
        assert_eq!(nearest("before_toolcall"), Some("before_tool_call"));
        assert_eq!(nearest("on_message_recieved"), Some("message_received"));
        assert_eq!(nearest("start"), Some("started"));
        assert_eq!(nearest("xyz"), None);
    }

    #[test]
    fn each_interface_is_in_the_contract() {
        let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let text: String = std::fs::read_dir(wit)
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect::<Vec<_>>()
            .join("\n");
        for name in interfaces().iter().chain(IMPORTS) {
            assert!(text.contains(&format!("interface {name} {{")), "{name}");
        }
        assert!(text.contains(&format!("package plugbay:plugin@{API_VERSION};")));
    }

    /// Worlds of two interfaces, one of which uses the other, merge in one order only, and the linker picks the order.
    #[test]
    fn no_interface_uses_one_that_is_exported() {
        let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        for file in std::fs::read_dir(wit).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for used in text.lines().filter_map(|line| line.trim().strip_prefix("use ")) {
                let interface = used.split('.').next().unwrap();
                assert!(IMPORTS.contains(&interface), "`use {used}`: put shared words into `types`");
            }
        }
    }
}
