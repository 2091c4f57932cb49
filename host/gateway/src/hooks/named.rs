//! Each hook as a method of its name, and all of them in a table.
//!
//! A hook is one line here. `ask`: plugins answer; `tell`: they are told; `tell_one`: one plugin is, by name; `direct`: one plugin is called by the host, so
//! there is nothing to dispatch.

use super::json::{self, Fires, InJson, InJsonError};
use super::{Dispatched, Hooks};
use plugbay_runtime::{Call, Hook, PluginId};
use serde_json::Value;

/// A hook, by its name.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) way: Way,
}

/// How it gets to plugins.
pub(super) enum Way {
    Fired(for<'a> fn(&'a Hooks, &'a Call, Value) -> Fires<'a>),
    Told(fn(&Hooks, &Call, Value) -> Result<InJson, InJsonError>),
    ToOne,
}

macro_rules! method {
    ($(#[$doc:meta])* ask $name:ident $hook:ident) => {
        $(#[$doc])*
        pub async fn $name(&self, call: &Call, event: <plugbay_runtime::$hook as Hook>::Event) -> Dispatched<<plugbay_runtime::$hook as Hook>::Outcome> {
            self.fire::<plugbay_runtime::$hook>(call, event).await
        }
    };
    ($(#[$doc:meta])* tell $name:ident $hook:ident) => {
        $(#[$doc])*
        pub fn $name(&self, call: &Call, event: <plugbay_runtime::$hook as Hook>::Event) {
            self.tell::<plugbay_runtime::$hook>(call, event);
        }
    };
    ($(#[$doc:meta])* tell_one $name:ident $hook:ident) => {
        $(#[$doc])*
        pub fn $name(&self, plugin: &PluginId, call: &Call, event: <plugbay_runtime::$hook as Hook>::Event) {
            self.tell_one::<plugbay_runtime::$hook>(plugin, call, event);
        }
    };
    ($(#[$doc:meta])* direct $name:ident $hook:ident) => {};
}

macro_rules! way {
    (ask $hook:ident) => {
        Way::Fired(json::fire::<plugbay_runtime::$hook>)
    };
    (tell $hook:ident) => {
        Way::Told(json::tell::<plugbay_runtime::$hook>)
    };
    ($other:ident $hook:ident) => {
        Way::ToOne
    };
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $way:ident $name:ident: $hook:ident;)*) => {
        /// All hooks.
        pub(super) const NAMED: &[Named] = &[$(Named { name: <plugbay_runtime::$hook as Hook>::NAME, way: way!($way $hook) }),*];

        /// Every hook by its name.
        impl Hooks {
            $(method!($(#[$doc])* $way $name $hook);)*
        }
    };
}

hooks! {
    /// A turn is about to reach the model: may refuse it.
    ask before_agent_run: BeforeAgentRun;
    /// A turn is about to begin: may answer in the agent's place.
    ask before_agent_reply: BeforeAgentReply;
    /// The agent is about to be done: may send it back.
    ask before_agent_finalize: BeforeAgentFinalize;
    /// A turn has ended.
    tell agent_end: AgentEnd;
    /// A model is about to be chosen: may choose another.
    ask before_model_resolve: BeforeModelResolve;
    /// What the model is sent.
    tell llm_input: LlmInput;
    /// What the model answered.
    tell llm_output: LlmOutput;
    /// A tool is about to be called: may block it, change its arguments, or ask a person first.
    ask before_tool_call: BeforeToolCall;
    /// A tool call has ended, or was blocked.
    tell after_tool_call: AfterToolCall;
    /// A message reached the gateway.
    tell message_received: MessageReceived;
    /// A message is about to become a turn: may take it.
    ask before_dispatch: BeforeDispatch;
    /// A message was handed to a channel.
    tell message_sent: MessageSent;
    /// A turn begins: may add context.
    ask agent_turn_prepare: AgentTurnPrepare;
    /// A prompt is being built: may change instructions, context and tools.
    ask before_prompt_build: BeforePromptBuild;
    /// A heartbeat begins: may add context.
    ask heartbeat_prompt: HeartbeatPrompt;
    /// A message is about to be written into a conversation: may change it, or keep it out.
    ask before_message_write: BeforeMessageWrite;
    /// A tool's answer is about to be written: may change it.
    ask tool_result_persist: ToolResultPersist;
    /// A message is about to go to a channel: may change it, or hold it back.
    ask message_sending: MessageSending;
    /// A plugin is about to be installed: may prevent it. The plugin itself isn't asked.
    ask before_install: BeforeInstall;
    /// A model is being called.
    tell model_call_started: ModelCallStarted;
    /// A model was called.
    tell model_call_ended: ModelCallEnded;
    /// A life of a session begins.
    tell session_start: SessionStart;
    /// A life of a session ends, or the host stops while it is in use.
    tell session_end: SessionEnd;
    /// A session is about to begin another life.
    tell before_reset: BeforeReset;
    /// A conversation is about to be compacted.
    tell before_compaction: BeforeCompaction;
    /// A conversation was compacted.
    tell after_compaction: AfterCompaction;
    /// A subagent was started.
    tell subagent_spawned: SubagentSpawned;
    /// A subagent has ended.
    tell subagent_ended: SubagentEnded;
    /// The gateway has started.
    tell gateway_start: GatewayStart;
    /// The gateway stops.
    tell gateway_stop: GatewayStop;
    /// One of the plugin's jobs changed.
    tell_one job_changed: JobChanged;
    /// A tool of a plugin's: called by the host.
    direct tools: Tools;
    /// A tool is about to be called, before other hooks: may deny it, change its arguments, or ask a person first.
    ask tool_policy: ToolPolicy;
    /// A person has a plugin do something.
    direct session_actions: SessionActions;
    /// A person gives a plugin's command.
    direct commands: Commands;
    /// A plugin's timer is due.
    direct timers: Timers;
    /// State of a plugin's is projected: called by the host.
    direct session_projection: SessionProjection;
    /// Something happened in a turn.
    tell agent_events: AgentEvents;
    /// A question of the plugin's was resolved.
    tell_one approvals: Approvals;
    /// Something ends for which the plugin may keep things elsewhere.
    tell_one cleanup: Cleanup;
    /// The context engine takes in what was said: called by the host, as are the others of its kind.
    direct context_ingest: ContextIngest;
    /// The context engine decides what a model sees.
    direct context_assemble: ContextAssemble;
    /// The context engine makes a conversation smaller.
    direct context_compact: ContextCompact;
    /// The context engine sees a conversation for the first time.
    direct context_bootstrap: ContextBootstrap;
    /// The context engine is told that a turn is done.
    direct context_turn: ContextTurn;
    /// The context engine tidies up.
    direct context_maintain: ContextMaintain;
    /// The context engine is asked before a subagent starts.
    direct context_spawn: ContextSpawn;
    /// The context engine learns that a subagent is over.
    direct context_spawn_end: ContextSpawnEnd;
    /// The context engine is done with a turn.
    direct context_dispose: ContextDispose;
}

#[cfg(test)]
mod tests {
    use super::NAMED;
    use plugbay_runtime::HOOKS;

    #[test]
    fn every_hook_is_here_once() {
        let mut here: Vec<&str> = NAMED.iter().map(|named| named.name).collect();
        let mut all: Vec<&str> = HOOKS.iter().map(|hook| hook.name).collect();
        here.sort_unstable();
        all.sort_unstable();
        assert_eq!(here, all);
    }
}
