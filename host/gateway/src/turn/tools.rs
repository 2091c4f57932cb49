//! Tools in a turn: one call after the other, each answer changed as plugins want it, written, and told.

use super::model::millis;
use super::questions::Questions;
use super::rounds::Talk;
use super::{Run, Stopped, TurnEvent};
use crate::approvals::ApprovalEvent;
use crate::gateway::Why;
use crate::model::{ModelMessage, ToolRequest};
use crate::runs::HostTopic;
use crate::tools::{ToolEnd, ToolSet};
use plugbay_runtime::{Json, Role, ToolAnswer, ToolCallFate, ToolResultPersist};
use serde_json::{Value, json};
use std::pin::pin;

impl Run {
    /// Calls what the model wants called.
    pub(super) async fn call_tools(&mut self, talk: &mut Talk, calls: &[ToolRequest]) -> Result<(), Stopped> {
        for request in calls {
            let ToolRequest { id, name, arguments } = request.clone();
            self.guard.event(HostTopic::Tool, &json!({ "phase": "start", "tool": name, "call-id": id }));
            self.listener.tell(TurnEvent::ToolStarted { call_id: id.clone(), tool: name, arguments });
            let end = self.call_tool(&talk.tools, request).await?;
            let answer = self.write_result(request, &end).await?;
            self.tell_tool_end(request, end, answer.clone());
            talk.add(ModelMessage::Tool { call_id: id, content: answer });
        }
        Ok(())
    }

    /// Calls one, and passes on what people are asked meanwhile.
    pub(super) async fn call_tool(&self, tools: &ToolSet, request: &ToolRequest) -> Result<ToolEnd, Why> {
        let mut questions = Questions::of(&self.gateway.approvals, self.guard.id().clone());
        let ended = {
            let about = self.call();
            let mut call = pin!(self.gateway.tools.call(tools, &about, request.clone()));
            let work = async {
                loop {
                    tokio::select! {
                        biased;
                        end = &mut call => return end,
                        event = questions.next() => self.question(event),
                    }
                }
            };
            self.stop.unless(work).await
        };
        // What was settled with the call's end, or since nobody waits for it any more.
        while let Some(event) = questions.ready() {
            self.question(event);
        }
        ended
    }

    fn question(&self, event: ApprovalEvent) {
        let (data, event) = match event {
            ApprovalEvent::Asked(asked) => {
                (json!({ "phase": "asked", "id": asked.id, "plugin": asked.plugin, "tool": asked.tool }), TurnEvent::ApprovalAsked(asked))
            }
            ApprovalEvent::Settled(settled) => {
                let data = json!({ "phase": "settled", "id": settled.id, "plugin": settled.plugin, "resolution": settled.resolution });
                (data, TurnEvent::ApprovalResolved(settled))
            }
        };
        self.guard.event(HostTopic::Approval, &data);
        self.listener.tell(event);
    }

    /// Writes what a tool answered, and says how it was written: that is what the model sees.
    pub(super) async fn write_result(&mut self, request: &ToolRequest, end: &ToolEnd) -> Result<String, Stopped> {
        let event = ToolAnswer {
            tool_name: request.name.clone(),
            tool_call_id: Some(request.id.clone()),
            content: end.content.clone().into(),
            synthetic: end.end != ToolCallFate::Answered,
            attrs: Vec::new(),
        };
        let changed = self.gateway.hooks.fire::<ToolResultPersist>(&self.call(), event).await.outcome.content;
        let answer = text(changed.as_ref().unwrap_or(&end.content));
        let meta = json!({ "tool": request.name, "end": end.end, "is-error": end.is_error });
        let written = self.looked_at(Role::Tool, json!(answer), Some(&request.id), meta).await;
        self.append(written.entry).await?;
        Ok(written.text)
    }

    fn tell_tool_end(&self, request: &ToolRequest, end: ToolEnd, answer: String) {
        let ToolRequest { id: call_id, name: tool, .. } = request.clone();
        let data = json!({ "phase": "end", "tool": tool, "call-id": call_id, "end": end.end, "is-error": end.is_error });
        self.guard.event(HostTopic::Tool, &data);
        let took_ms = millis(end.took);
        self.listener.tell(TurnEvent::ToolEnded { call_id, tool, end: end.end, is_error: end.is_error, answer, took_ms, by: end.by });
    }
}

/// A tool's answer as an entry holds it: words stay words, everything else is JSON in words.
fn text(answer: &Json) -> String {
    match answer.parse() {
        Ok(Value::String(text)) => text,
        _ => answer.as_str().to_owned(),
    }
}
