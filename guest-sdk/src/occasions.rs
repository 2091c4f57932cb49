//! Events to hand to one's own hooks in a test.
//!
//! What it is for: each event has a constructor that takes what a test wants to say, and public fields for the rest. What it costs: nothing in a plugin;
//! what isn't used isn't there. How it fails: it doesn't; a payload is taken as the JSON text that it is.

use crate::hooks::names::*;
use crate::hooks::{
    after_tool_call, approvals, cleanup, context_compact, context_maintain, context_spawn_end, job_changed, llm_output, model_call_ended,
    session_end, subagent_ended,
};
use crate::{Entry, Payload, Role, Text, Trigger};

/// Says how an event is made: what `new` takes, and what the other fields are.
macro_rules! occasions {
    ($($(#[$doc:meta])* $name:ident($($given:ident: $ty:ty),*) { $($field:ident $(: $value:expr)?),* $(,)? })+) => {$(
        impl $name {
            $(#[$doc])*
            pub fn new($($given: $ty),*) -> Self {
                Self { $($field $(: $value)?,)* attrs: Vec::new() }
            }
        }
    )+};
}

occasions! {
    /// A turn that a user's words are about to begin, with the model `offline`.
    RunAsked(prompt: impl Into<String>) { trigger: Trigger::User, prompt: Text::Whole(prompt.into()), system_prompt: None, model: "offline".into() }
    /// What a user said.
    ReplyAsked(text: impl Into<String>) { trigger: Trigger::User, text: Text::Whole(text.into()) }
    /// An answer that wasn't revised before.
    Answer(last_message: impl Into<String>) { last_message: Text::Whole(last_message.into()), model: "offline".into(), revisions: 0 }
    /// A turn that came to its end.
    TurnEnded(duration_ms: u64) { success: true, error: None, duration_ms }
    /// A turn of a user whose model is to be chosen.
    ModelAsked(prompt: impl Into<String>) { trigger: Trigger::User, prompt: Text::Whole(prompt.into()), provider: "offline".into(), model: "offline".into() }
    /// What the first call of a model in a run is given.
    ModelInput(prompt: impl Into<String>) {
        call: 1, provider: "offline".into(), model: "offline".into(), prompt: Text::Whole(prompt.into()), system_prompt: None, history: 0, tools: Vec::new(),
    }
    /// What the first call of a model in a run answered.
    ModelOutput(text: impl Into<String>) {
        call: 1, provider: "offline".into(), model: "offline".into(), text: Text::Whole(text.into()), tool_calls: Vec::new(),
        usage: llm_output::Usage { input: None, output: None },
    }
    /// A call of a tool. `params` is JSON text.
    ToolCall(tool_name: impl Into<String>, params: impl Into<String>) { tool_name: tool_name.into(), params: Payload::Json(params.into()), tool_call_id: None }
    /// A tool that answered. `params` and `answer` are JSON text.
    ToolEnded(tool_name: impl Into<String>, params: impl Into<String>, answer: impl Into<String>) {
        tool_name: tool_name.into(), params: Payload::Json(params.into()), tool_call_id: None, end: after_tool_call::End::Answered,
        answer: Payload::Json(answer.into()), duration_ms: 1,
    }
    /// A message.
    Message(message_id: impl Into<String>, text: impl Into<String>) { message_id: Some(message_id.into()), text: Text::Whole(text.into()), at: 0 }
    /// A message that is about to begin a turn.
    MessageAsked(text: impl Into<String>) { message_id: None, text: Text::Whole(text.into()), at: 0 }
    /// A message that was handed to a channel.
    Sent(text: impl Into<String>) { text: Text::Whole(text.into()), error: None, at: 0 }
    /// A turn of a user that is being prepared.
    TurnPrepared(prompt: impl Into<String>) { trigger: Trigger::User, prompt: Text::Whole(prompt.into()), injections: Vec::new() }
    /// A heartbeat.
    Heartbeat(prompt: impl Into<String>) { prompt: Text::Whole(prompt.into()) }
    /// A prompt of a user's turn that is being built.
    PromptAsked(prompt: impl Into<String>) { trigger: Trigger::User, prompt: Text::Whole(prompt.into()), system_prompt: None, tools: Vec::new() }
    /// A message of the model's that is about to be written. `content` is JSON text.
    Written(content: impl Into<String>) { role: Role::Assistant, content: Payload::Json(content.into()), tool_call_id: None }
    /// A tool's answer that is about to be written. `content` is JSON text.
    ToolAnswer(tool_name: impl Into<String>, content: impl Into<String>) { tool_name: tool_name.into(), tool_call_id: None, content: Payload::Json(content.into()), synthetic: false }
    /// A message that is about to be sent.
    Sending(text: impl Into<String>) { text: Text::Whole(text.into()) }
    /// A plugin that is about to be installed for the first time.
    Installing(plugin: impl Into<String>, version: impl Into<String>) {
        plugin: plugin.into(), version: version.into(), digest: "0".repeat(64), replaces: None, bytes: 1, imports: Vec::new(), exports: Vec::new(), granted: Vec::new(),
    }
    /// The first call of a model in a run.
    ModelCall(model: impl Into<String>) { call: 1, provider: "offline".into(), model: model.into(), messages: 1, tools: 0 }
    /// The first call of a model in a run, which answered.
    ModelCallEnd(model: impl Into<String>) {
        call: 1, provider: "offline".into(), model: model.into(), end: model_call_ended::End::Answered, failure: None, duration_ms: 1, first_piece_ms: Some(1),
    }
    /// A life of a session, and the one before it.
    SessionBegan(previous: Option<String>) { previous }
    /// A session that was reset.
    SessionEnded(messages: u64) { reason: session_end::Reason::Reset, messages, duration_ms: 1, next: None }
    /// A session that is about to be reset.
    Resetting(messages: u64) { messages }
    /// A conversation that is about to be compacted.
    Compacting(messages: u64, tokens: u64) { messages, tokens, forced: false }
    /// A conversation that was compacted.
    Compacted(tokens_before: u64, tokens_after: u64) { tokens_before, tokens_after, summarised: 1 }
    /// A subagent that was started.
    Spawned(child_key: impl Into<String>, child_run: impl Into<String>) { child_key: child_key.into(), child_run: child_run.into() }
    /// A subagent that came to its end.
    SubagentEnd(child_key: impl Into<String>, child_run: impl Into<String>) { child_key: child_key.into(), child_run: child_run.into(), end: subagent_ended::End::Done, error: None }
    /// A gateway of this version that has started.
    Started(version: impl Into<String>) { version: version.into() }
    /// A gateway that is stopping.
    Stopping(reason: Option<String>) { reason }
    /// A job that was added.
    JobChange(job: impl Into<String>) { job: job.into(), change: job_changed::Change::Added, next_at: None, error: None }
    /// The first event of a run. `data` is JSON text.
    AgentEvent(topic: impl Into<String>, data: impl Into<String>) { topic: topic.into(), number: 1, at: 0, data: Payload::Json(data.into()) }
    /// A question about a tool that was answered with yes.
    ApprovalEnd(title: impl Into<String>, tool_name: impl Into<String>) {
        id: "1".into(), title: title.into(), tool_name: tool_name.into(), tool_call_id: None, resolution: approvals::Resolution::AllowOnce, by: None,
    }
    /// A timer without a name, which is due for the only time. `schedule::fake::fire` makes one of a job.
    Timer(job: impl Into<String>) { job: job.into(), name: None, tag: None, payload: None, due_at: 0, next_at: None }
    /// Something that ends.
    CleanupAsked(reason: cleanup::Reason) { reason }
    /// A call that a policy is asked about. `params` is JSON text.
    PolicyAsked(tool_name: impl Into<String>, params: impl Into<String>) { tool_name: tool_name.into(), params: Payload::Json(params.into()), tool_call_id: None }
    /// What was said, oldest first.
    Ingesting(entries: Vec<Entry>) { entries, heartbeat: false }
    /// The first call of a model in a turn that began with these words.
    Assembling(budget: u64, prompt: impl Into<String>) {
        budget, call: 1, model: "offline".into(), prompt: Text::Whole(prompt.into()), tools: Vec::new(), heartbeat: false,
    }
    /// A conversation that is to be made smaller, whatever its size for `Reason::Manual`.
    CompactionAsked(reason: context_compact::Reason, budget: u64) {
        forced: reason == context_compact::Reason::Manual, reason, budget, tokens: 0, instructions: None,
    }
    /// A conversation that is new to the engine, with so many entries.
    Bootstrapping(entries: u64) { entries }
    /// A turn that is done.
    TurnDone(turn_key: impl Into<String>) { turn_key: turn_key.into(), heartbeat: false, budget: 0, tokens: 0 }
    /// An occasion to tidy up.
    Maintaining(moment: context_maintain::Moment) { moment }
    /// A subagent that is about to start.
    Spawning(child_key: impl Into<String>) { child_key: child_key.into() }
    /// A subagent that is over.
    SpawnEnded(child_key: impl Into<String>, ticket: Option<String>, end: context_spawn_end::End) { child_key: child_key.into(), ticket, end }
    /// The end of the engine's part.
    Disposing() {}
    /// A state that is to be shown. `state` is JSON text.
    Projecting(namespace: impl Into<String>, state: impl Into<String>) { namespace: namespace.into(), state: state.into() }
}

impl Default for Disposing {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_what_the_test_said() {
        assert_eq!(RunAsked::new("hello").prompt.as_str(), Ok("hello"));
        assert_eq!(ToolCall::new("shell", r#"{"a":1}"#).params.as_str(), Ok(r#"{"a":1}"#));
        let ended = ToolEnded { duration_ms: 9, ..ToolEnded::new("shell", "{}", "\"done\"") };
        assert_eq!((ended.answer.as_str(), ended.duration_ms), (Ok("\"done\""), 9));
        assert_eq!(Compacted::new(10, 2).tokens_after, 2);
        assert_eq!(Projecting::new("budget", "1").state, "1");
    }
}
