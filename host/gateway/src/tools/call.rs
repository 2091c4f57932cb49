//! One call of a tool, from what the model wrote to what it is told.
//!
//! The order: policies, `before-tool-call`, the schema, people, the tool. A denial or block ends it, so nobody is asked about a call that isn't made; and neither about
//! arguments that the tool wouldn't take. From the first question on nothing changes the arguments.

use super::Tools;
use super::arguments;
use super::set::{Tool, ToolSet};
use crate::approvals::{Settled, Wanted};
use crate::hooks::Hooks;
use crate::model::ToolRequest;
use plugbay_runtime::engine::CallError;
use plugbay_runtime::{
    AfterToolCall, Approval, BeforeToolCall, Call, Fired, Json, Payload, PluginId, PolicyAsked, ToolCall, ToolCallFate, ToolEnded,
    ToolInvocation, ToolPolicy, Tools as ToolsHook,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Characters of what the host or a plugin says to the model about a failure.
const WORDS: usize = 8_192;

/// How a call of a tool ended.
#[derive(Debug, Clone)]
pub struct ToolEnd {
    /// How.
    pub end: ToolCallFate,
    /// What the model is told.
    pub content: Json,
    /// Whether that says that something went wrong.
    pub is_error: bool,
    /// The arguments, as they were last.
    pub params: Payload,
    /// How long the tool took.
    pub took: Duration,
    /// Who blocked it.
    pub by: Option<PluginId>,
    /// Whose tool it is, and which generation answered.
    pub served: Option<(PluginId, u64)>,
    /// What people were asked, and said.
    pub asked: Vec<Settled>,
}

/// Why a call isn't made.
enum Refused {
    /// Somebody is against it.
    Blocked { why: String, by: Option<PluginId> },
    /// It can't be made.
    Failed(String),
}

impl Tools {
    /// Calls a tool of a turn's set. Who stops waiting gives up the answer: a question that waits is cancelled, and the tool comes to its end or its deadline.
    pub async fn call(&self, set: &ToolSet, call: &Call, request: ToolRequest) -> ToolEnd {
        let mut running = Running::new(&self.0.hooks, call, &request);
        match self.go(set, &mut running).await {
            Ok(()) => {}
            Err(Refused::Failed(why)) => running.failed(why),
            Err(Refused::Blocked { why, by }) => running.blocked(&why, by),
        }
        running.end.clone()
    }

    async fn go(&self, set: &ToolSet, running: &mut Running<'_>) -> Result<(), Refused> {
        let request = running.request;
        let tool = set.get(&request.name).ok_or_else(|| Refused::Failed(set.absence(&request.name)))?;
        let mut arguments = arguments::read(&request.arguments).map_err(Refused::Failed)?;
        running.end.params = arguments.clone().into();
        let questions = self.decide(running, &mut arguments).await?;
        fits(tool, &arguments).await?;
        for approval in questions.into_iter().flatten() {
            self.ask(running, approval).await?;
        }
        running.serve(tool, arguments).await;
        Ok(())
    }

    /// Policies, then hooks. Both must let it through before anybody is asked; arguments that a policy wants a person to see stay as they are.
    async fn decide(&self, running: &mut Running<'_>, arguments: &mut Json) -> Result<[Option<Approval>; 2], Refused> {
        let (name, id) = (running.request.name.clone(), Some(running.request.id.clone()));
        let event = PolicyAsked { tool_name: name.clone(), params: arguments.clone().into(), tool_call_id: id.clone(), attrs: Vec::new() };
        let policies = self.0.hooks.fire::<ToolPolicy>(&running.call.anew(), event).await;
        running.rewrite(arguments, policies.outcome.params);
        if let Some(why) = policies.outcome.deny {
            return Err(Refused::Blocked { why, by: policies.by });
        }
        let event = ToolCall { tool: name, params: arguments.clone().into(), call_id: id, attrs: Vec::new() };
        let hooks = self.0.hooks.fire::<BeforeToolCall>(&running.call.anew(), event).await;
        if let Some(why) = hooks.outcome.block {
            return Err(Refused::Blocked { why, by: hooks.by });
        }
        if policies.outcome.approval.is_none() {
            running.rewrite(arguments, hooks.outcome.params);
        }
        Ok([policies.outcome.approval, hooks.outcome.approval])
    }

    async fn ask(&self, running: &mut Running<'_>, approval: Approval) -> Result<(), Refused> {
        let Some(plugin) = approval.plugin.clone() else {
            return Err(Refused::Failed("a question that no plugin asks: a defect of the host".to_owned()));
        };
        let wanted = Wanted {
            plugin: plugin.clone(),
            approval,
            tool: running.request.name.clone(),
            call_id: Some(running.request.id.clone()),
            params: running.end.params.clone(),
            session: running.call.about().cloned(),
            run: running.call.run_id().cloned(),
        };
        let settled = self.0.approvals.ask(wanted).await;
        let (allows, words) = (settled.allows(), settled.words());
        running.end.asked.push(settled);
        if allows { Ok(()) } else { Err(Refused::Blocked { why: words, by: Some(plugin) }) }
    }
}

/// Whether the tool takes these arguments; found out on a thread for such work, since a stranger's schema may take its time.
async fn fits(tool: &Arc<Tool>, arguments: &Json) -> Result<(), Refused> {
    let (taker, given) = (tool.clone(), arguments.clone());
    let fits = tokio::task::spawn_blocking(move || given.parse().map_err(|e| e.to_string()).and_then(|value| taker.takes(&value)));
    let fits = fits.await.unwrap_or_else(|e| Err(format!("the host failed: {e}")));
    fits.map_err(|problem| Refused::Failed(format!("the arguments don't fit the schema of `{}`: {problem}", tool.shown.name)))
}

/// A call that is under way. However it ends, also by nobody waiting for it any more, observers are told.
struct Running<'a> {
    hooks: &'a Hooks,
    call: &'a Call,
    request: &'a ToolRequest,
    end: ToolEnd,
}

impl<'a> Running<'a> {
    fn new(hooks: &'a Hooks, call: &'a Call, request: &'a ToolRequest) -> Self {
        let end = ToolEnd {
            end: ToolCallFate::Failed,
            content: words("the call was given up before it ended"),
            is_error: true,
            params: arguments::shown(&request.arguments),
            took: Duration::ZERO,
            by: None,
            served: None,
            asked: Vec::new(),
        };
        Self { hooks, call, request, end }
    }

    fn rewrite(&mut self, arguments: &mut Json, by: Option<Json>) {
        if let Some(rewritten) = by {
            self.end.params = rewritten.clone().into();
            *arguments = rewritten;
        }
    }

    fn failed(&mut self, why: impl AsRef<str>) {
        self.end = ToolEnd { end: ToolCallFate::Failed, content: words(why.as_ref()), is_error: true, ..self.end.clone() };
    }

    fn blocked(&mut self, why: &str, by: Option<PluginId>) {
        let content = words(&format!("the call was blocked: {why}"));
        self.end = ToolEnd { end: ToolCallFate::Blocked, content, is_error: true, by, ..self.end.clone() };
    }

    async fn serve(&mut self, tool: &Tool, arguments: Json) {
        let (name, tool_call_id) = (self.request.name.clone(), Some(self.request.id.clone()));
        let event = Fired::new(ToolInvocation { name, params: arguments, tool_call_id, attrs: Vec::new() });
        let began = Instant::now();
        let answered = tool.pinned.serve::<ToolsHook>(&self.call.anew(), &event).await;
        self.end.took = began.elapsed();
        self.end.served = answered.generation.map(|generation| (tool.shown.owner.clone(), generation));
        match answered.answer {
            Ok(outcome) => {
                self.end.end = ToolCallFate::Answered;
                self.end.content = outcome.content;
                self.end.is_error = outcome.is_error;
            }
            Err(CallError::Failed(why)) => self.failed(why),
            Err(error) => self.failed(format!("the tool `{}` of plugin `{}` didn't answer: {error}", self.request.name, tool.shown.owner)),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let ended = ToolEnded {
            tool_name: self.request.name.clone(),
            params: self.end.params.clone(),
            tool_call_id: Some(self.request.id.clone()),
            end: self.end.end,
            answer: self.end.content.clone().into(),
            duration_ms: u64::try_from(self.end.took.as_millis()).unwrap_or(u64::MAX),
            attrs: Vec::new(),
        };
        // Observers are told where tokio runs; where it doesn't any more, there are none.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.hooks.tell::<AfterToolCall>(&self.call.anew(), ended);
        }
    }
}

/// Words for the model.
fn words(text: &str) -> Json {
    let text: String = text.chars().take(WORDS).collect();
    Json::from_value(&Value::from(text)).unwrap_or_default()
}
