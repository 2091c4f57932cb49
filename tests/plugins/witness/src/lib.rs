//! Exports everything that a plugin can, writes each call down, and does what its settings say.
//!
//! Each call becomes a row in the namespace `calls` of its keyed store, under a number that counts up: `{hook, session, run, invocation, event}`, the last
//! as Rust shows it. `does` makes a hook fail, fault, hang or nap; `answers` makes it answer; `fault-every` makes calls fault at random, the same ones
//! for the same seed. One exception: a projection can't write, so it leaves a line in the log instead.
//!
//! `plugbay_guests::builds::witness` makes other ids and priorities of the built component, by changing bytes: nothing is compiled for that.

#![forbid(unsafe_code)]

mod deeds;
mod outcomes;
mod wish;

use deeds::Settings;
use plugbay_sdk::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;
use wish::Wish;

/// A call, as it is written down.
type Row = Value;

struct Witness {
    settings: Settings,
    /// How often this cell was asked for an answer, by hook.
    asked: BTreeMap<&'static str, usize>,
}

/// What the tool is told.
#[plugbay_sdk::args]
#[derive(Debug)]
struct Anything {
    /// Anything.
    #[expect(dead_code, reason = "written down by its `Debug`")]
    what: Option<Value>,
}

#[plugin(id = "witness-a", isolation(shared, pool, session, call), session_state(seen = "what a test puts there"))]
impl Witness {
    fn activate(_: &Activation, settings: Settings) -> Self {
        Self { settings, asked: BTreeMap::new() }
    }

    #[hook(priority = 500)]
    fn before_agent_run(&mut self, call: &Call, event: RunAsked) -> Result<Option<RunDecision>> {
        self.answer("before-agent-run", call, &event, outcomes::run)
    }

    #[hook(priority = 500)]
    fn before_agent_reply(&mut self, call: &Call, event: ReplyAsked) -> Result<Option<Reply>> {
        self.answer("before-agent-reply", call, &event, outcomes::reply)
    }

    #[hook(priority = 500)]
    fn before_agent_finalize(&mut self, call: &Call, event: Answer) -> Result<Option<Finalize>> {
        self.answer("before-agent-finalize", call, &event, outcomes::finalize)
    }

    fn agent_end(&mut self, call: &Call, event: TurnEnded) -> Result<()> {
        self.see("agent-end", call, &event)
    }

    #[hook(priority = 500)]
    fn before_model_resolve(&mut self, call: &Call, event: ModelAsked) -> Result<Option<ModelChoice>> {
        self.answer("before-model-resolve", call, &event, outcomes::model)
    }

    fn llm_input(&mut self, call: &Call, event: ModelInput) -> Result<()> {
        self.see("llm-input", call, &event)
    }

    fn llm_output(&mut self, call: &Call, event: ModelOutput) -> Result<()> {
        self.see("llm-output", call, &event)
    }

    #[hook(priority = 500)]
    fn before_tool_call(&mut self, call: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
        self.answer("before-tool-call", call, &event, outcomes::tool)
    }

    fn after_tool_call(&mut self, call: &Call, event: ToolEnded) -> Result<()> {
        self.see("after-tool-call", call, &event)
    }

    fn message_received(&mut self, call: &Call, event: Message) -> Result<()> {
        self.see("message-received", call, &event)
    }

    #[hook(priority = 500)]
    fn before_dispatch(&mut self, call: &Call, event: MessageAsked) -> Result<Option<DispatchClaim>> {
        self.answer("before-dispatch", call, &event, outcomes::dispatch)
    }

    fn message_sent(&mut self, call: &Call, event: Sent) -> Result<()> {
        self.see("message-sent", call, &event)
    }

    #[hook(priority = 500)]
    fn agent_turn_prepare(&mut self, call: &Call, event: TurnPrepared) -> Result<Option<TurnContext>> {
        self.answer("agent-turn-prepare", call, &event, outcomes::turn)
    }

    #[hook(priority = 500)]
    fn before_prompt_build(&mut self, call: &Call, event: PromptAsked) -> Result<Option<PromptChange>> {
        self.answer("before-prompt-build", call, &event, outcomes::prompt)
    }

    #[hook(priority = 500)]
    fn heartbeat_prompt(&mut self, call: &Call, event: Heartbeat) -> Result<Option<HeartbeatContext>> {
        self.answer("heartbeat-prompt", call, &event, outcomes::heartbeat)
    }

    #[hook(priority = 500)]
    fn before_message_write(&mut self, call: &Call, event: Written) -> Result<Option<WriteDecision>> {
        self.answer("before-message-write", call, &event, outcomes::write)
    }

    #[hook(priority = 500)]
    fn tool_result_persist(&mut self, call: &Call, event: ToolAnswer) -> Result<Option<AnswerChange>> {
        self.answer("tool-result-persist", call, &event, outcomes::tool_result)
    }

    #[hook(priority = 500)]
    fn message_sending(&mut self, call: &Call, event: Sending) -> Result<Option<SendDecision>> {
        self.answer("message-sending", call, &event, outcomes::sending)
    }

    #[hook(priority = 500)]
    fn before_install(&mut self, call: &Call, event: Installing) -> Result<Option<InstallDecision>> {
        self.answer("before-install", call, &event, outcomes::install)
    }

    fn model_call_started(&mut self, call: &Call, event: ModelCall) -> Result<()> {
        self.see("model-call-started", call, &event)
    }

    fn model_call_ended(&mut self, call: &Call, event: ModelCallEnd) -> Result<()> {
        self.see("model-call-ended", call, &event)
    }

    fn session_start(&mut self, call: &Call, event: SessionBegan) -> Result<()> {
        self.see("session-start", call, &event)
    }

    fn session_end(&mut self, call: &Call, event: SessionEnded) -> Result<()> {
        self.see("session-end", call, &event)
    }

    fn before_reset(&mut self, call: &Call, event: Resetting) -> Result<()> {
        self.see("before-reset", call, &event)
    }

    fn before_compaction(&mut self, call: &Call, event: Compacting) -> Result<()> {
        self.see("before-compaction", call, &event)
    }

    fn after_compaction(&mut self, call: &Call, event: Compacted) -> Result<()> {
        self.see("after-compaction", call, &event)
    }

    fn subagent_spawned(&mut self, call: &Call, event: Spawned) -> Result<()> {
        self.see("subagent-spawned", call, &event)
    }

    fn subagent_ended(&mut self, call: &Call, event: SubagentEnd) -> Result<()> {
        self.see("subagent-ended", call, &event)
    }

    fn gateway_start(&mut self, call: &Call, event: Started) -> Result<()> {
        self.see("gateway-start", call, &event)
    }

    fn gateway_stop(&mut self, call: &Call, event: Stopping) -> Result<()> {
        self.see("gateway-stop", call, &event)
    }

    fn job_changed(&mut self, call: &Call, event: JobChange) -> Result<()> {
        self.see("job-changed", call, &event)
    }

    #[hook(priority = 500)]
    fn tool_policy(&mut self, call: &Call, event: PolicyAsked) -> Result<Option<PolicyDecision>> {
        self.answer("tool-policy", call, &event, outcomes::policy)
    }

    fn agent_events(&mut self, call: &Call, event: AgentEvent) -> Result<()> {
        self.see("agent-events", call, &event)
    }

    fn approvals(&mut self, call: &Call, event: ApprovalEnd) -> Result<()> {
        self.see("approvals", call, &event)
    }

    fn cleanup(&mut self, call: &Call, event: CleanupAsked) -> Result<()> {
        self.see("cleanup", call, &event)
    }

    fn session_projection(&mut self, call: &Call, event: Projecting) -> Result<Option<Value>> {
        log::info!("session-projection of {}", event.namespace);
        self.settings.do_deed("session-projection", call.cause.invocation)?;
        Ok(Some(json!({ "seen": event.namespace })))
    }

    /// Writes down that it was called.
    #[tool]
    fn witness(&mut self, call: &Call, args: Anything) -> Result<&'static str> {
        self.see("tools", call, &args)?;
        Ok("seen")
    }
}

impl Witness {
    /// Writes the call down, then does what the settings say.
    fn see(&mut self, hook: &'static str, call: &Call, event: &dyn Debug) -> Result<()> {
        if self.settings.record {
            write_down(hook, call, event).unwrap_or_else(|error| log::warn!("{hook} isn't written down: {error}"));
        }
        self.settings.do_deed(hook, call.cause.invocation)
    }

    /// The same, and answers what the settings say: the same each time, or, of a list, one after the other and then nothing more.
    fn answer<O>(
        &mut self,
        hook: &'static str,
        call: &Call,
        event: &dyn Debug,
        make: impl FnOnce(Wish<'_>) -> Result<O>,
    ) -> Result<Option<O>> {
        self.see(hook, call, event)?;
        let asked = self.asked.entry(hook).or_default();
        *asked += 1;
        let answer = match self.settings.answers.get(hook) {
            Some(Value::Array(answers)) => answers.get(*asked - 1),
            other => other,
        };
        match answer {
            None | Some(Value::Null) => Ok(None),
            Some(wish) => make(Wish(wish)).map(Some),
        }
    }
}

/// One row a call, under a number that no other call has.
fn write_down(hook: &str, call: &Call, event: &dyn Debug) -> Result<()> {
    let count = Store::<u64>::open("count", store::Options::up_to(1))?;
    let calls = Store::<Row>::open("calls", store::Options::up_to(900))?;
    let number = count.update("calls", |number| number.unwrap_or(0) + 1)?.unwrap_or_default();
    let mut event = format!("{event:?}");
    event.truncate(event.floor_char_boundary(8_000));
    let row = json!({
        "hook": hook, "session": call.session_key(), "run": call.run, "invocation": call.cause.invocation, "event": event,
    });
    Ok(calls.register(&format!("{number:08}"), &row)?)
}

#[cfg(test)]
mod tests;
