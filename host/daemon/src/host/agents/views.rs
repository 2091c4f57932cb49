//! What a gateway says, as it goes over the wire.

use crate::api::types::{
    ApprovalView, Concern, Decision, EntryView, MessageView, Resolved, RunState, RunView, SessionSummary, SettledView, ShownState,
    ToolCallView, ToolClash, ToolEndView, ToolFate, ToolView, TurnEvent, TurnStatus,
};
use plugbay_gateway::model::{ModelMessage, ToolRequest};
use plugbay_gateway::{ApprovalAnswer, Clash, ListedTool, PendingApproval, Settled, ToolEnd};
use plugbay_runtime::{Resolution, Risk, Severity, ToolCallFate};
use serde_json::Value;
use std::time::Duration;

impl From<plugbay_gateway::TurnEvent> for TurnEvent {
    fn from(event: plugbay_gateway::TurnEvent) -> Self {
        use plugbay_gateway::TurnEvent as Event;
        match event {
            Event::RunStarted { run, session, life } => Self::RunStarted { run: run.to_string(), session, life },
            Event::Text { text } => Self::Text { text },
            Event::ToolStarted { call_id, tool, arguments } => Self::ToolStarted { call_id, tool, arguments },
            Event::ToolEnded { call_id, tool, end, is_error, answer, took_ms, by } => {
                Self::ToolEnded { call_id, tool, end: end.into(), is_error, answer, took_ms, by: by.map(Into::into) }
            }
            Event::ApprovalAsked(approval) => Self::ApprovalAsked { approval: (&*approval).into() },
            Event::ApprovalResolved(settled) => Self::ApprovalResolved { settled: (&*settled).into() },
            Event::Message { text } => Self::Message { text },
            Event::Blocked { by, message } => Self::Blocked { by: by.map(Into::into), message },
            Event::Failed { error, .. } => Self::Failed { error },
            Event::Cancelled => Self::Cancelled,
            Event::Interrupted => Self::Interrupted,
            Event::End { status } => Self::End { status: status.into() },
        }
    }
}

impl From<plugbay_gateway::TurnStatus> for TurnStatus {
    fn from(status: plugbay_gateway::TurnStatus) -> Self {
        use plugbay_gateway::TurnStatus as Status;
        match status {
            Status::Done => Self::Done,
            Status::Taken => Self::Taken,
            Status::Blocked => Self::Blocked,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
            Status::Interrupted => Self::Interrupted,
        }
    }
}

impl From<ToolCallFate> for ToolFate {
    fn from(fate: ToolCallFate) -> Self {
        match fate {
            ToolCallFate::Answered => Self::Answered,
            ToolCallFate::Failed => Self::Failed,
            ToolCallFate::Blocked => Self::Blocked,
        }
    }
}

impl From<&PendingApproval> for ApprovalView {
    fn from(asked: &PendingApproval) -> Self {
        Self {
            id: asked.id.to_string(),
            plugin: asked.plugin.clone(),
            title: asked.title.clone(),
            description: asked.description.clone(),
            severity: match asked.severity {
                Severity::Info => Concern::Info,
                Severity::Warning => Concern::Warning,
                Severity::Critical => Concern::Critical,
            },
            answers: asked.answers.iter().map(|answer| decision(*answer)).collect(),
            tool: asked.tool.clone(),
            call_id: asked.call_id.clone(),
            params: asked.params.clone(),
            session: asked.session.clone(),
            run: asked.run.as_deref().map(str::to_owned),
            asked_at: asked.asked_at,
            until: asked.until,
        }
    }
}

impl From<&Settled> for SettledView {
    fn from(settled: &Settled) -> Self {
        let Settled { id, plugin, title, resolution, by, why } = settled.clone();
        let resolution = match resolution {
            Resolution::AllowOnce => Resolved::AllowOnce,
            Resolution::AllowAlways => Resolved::AllowAlways,
            Resolution::Deny => Resolved::Deny,
            Resolution::TimedOut => Resolved::TimedOut,
            Resolution::Cancelled => Resolved::Cancelled,
        };
        Self { id: id.as_deref().map(str::to_owned), plugin, title, resolution, by, why }
    }
}

const fn decision(answer: ApprovalAnswer) -> Decision {
    match answer {
        ApprovalAnswer::AllowOnce => Decision::AllowOnce,
        ApprovalAnswer::AllowAlways => Decision::AllowAlways,
        ApprovalAnswer::Deny => Decision::Deny,
    }
}

impl From<Decision> for ApprovalAnswer {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::AllowOnce => Self::AllowOnce,
            Decision::AllowAlways => Self::AllowAlways,
            Decision::Deny => Self::Deny,
        }
    }
}

impl From<&ListedTool> for ToolView {
    fn from(tool: &ListedTool) -> Self {
        let ListedTool { name, owner, version, generation, title, description, risk, tags, parameters } = tool.clone();
        Self { name, owner: owner.into(), version, generation, title, description, risk: risk.map(harm), tags, parameters }
    }
}

/// A tool's risk, by its name.
pub(in crate::host) fn harm(risk: Risk) -> String {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
    .to_owned()
}

impl From<&Clash> for ToolClash {
    fn from(Clash { name, owners }: &Clash) -> Self {
        Self { name: name.clone(), owners: owners.iter().map(ToString::to_string).collect() }
    }
}

impl From<ModelMessage> for MessageView {
    fn from(message: ModelMessage) -> Self {
        match message {
            ModelMessage::System { text } => Self::System { text },
            ModelMessage::User { text } => Self::User { text },
            ModelMessage::Assistant { text, tool_calls } => {
                Self::Assistant { text, tool_calls: tool_calls.into_iter().map(Into::into).collect() }
            }
            ModelMessage::Tool { call_id, content } => Self::Tool { call_id, content },
        }
    }
}

impl From<ToolRequest> for ToolCallView {
    fn from(ToolRequest { id, name, arguments }: ToolRequest) -> Self {
        Self { id, name, arguments }
    }
}

impl From<ToolCallView> for ToolRequest {
    fn from(ToolCallView { id, name, arguments }: ToolCallView) -> Self {
        Self { id, name, arguments }
    }
}

impl ToolEndView {
    /// How a call ended, and what the model is to be told of it.
    pub(super) fn new(end: ToolEnd, answer: String) -> Self {
        let ToolEnd { end, is_error, took, by, .. } = end;
        Self { end: end.into(), is_error, answer, took_ms: millis(took), by: by.map(Into::into) }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<plugbay_gateway::SessionView> for SessionSummary {
    fn from(session: plugbay_gateway::SessionView) -> Self {
        let plugbay_gateway::SessionView { key, id, created_at, began_at, updated_at, entries, turns, shown } = session;
        let shown = shown.into_iter().map(|s| ShownState { plugin: s.plugin, namespace: s.namespace, value: s.value }).collect();
        Self { key, life: id, created_at, began_at, updated_at, entries, turns: turns as u64, shown }
    }
}

impl From<plugbay_gateway::RunView> for RunView {
    fn from(run: plugbay_gateway::RunView) -> Self {
        let plugbay_gateway::RunView { run, life, trigger, facts, status, began_at, ended_at, error } = run;
        let fact = |path: &str| facts.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let status = match status {
            "running" => RunState::Running,
            "done" => RunState::Done,
            "cancelled" => RunState::Cancelled,
            "blocked" => RunState::Blocked,
            "interrupted" => RunState::Interrupted,
            _ => RunState::Failed,
        };
        let (channel, sender, message_id) = (fact("/channel"), fact("/principal/sender"), fact("/message-id"));
        Self { run, life, trigger, channel, sender, message_id, status, began_at, ended_at, error }
    }
}

impl From<plugbay_gateway::EntryView> for EntryView {
    fn from(entry: plugbay_gateway::EntryView) -> Self {
        let plugbay_gateway::EntryView { id, role, at, content, tool_call_id, run, meta } = entry;
        Self { id, role, at, content, tool_call_id, run, meta }
    }
}
