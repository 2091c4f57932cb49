//! Outcomes of all hooks, from JSON.

use crate::wish::Wish;
use plugbay_sdk::hooks::{before_agent_finalize, before_agent_run, before_install, before_tool_call};
use plugbay_sdk::prelude::*;

pub(crate) fn run(wish: Wish<'_>) -> Result<RunDecision> {
    let block = |block: Wish<'_>| Ok::<_, Error>(before_agent_run::Block { reason: block.said("reason")?, message: block.text("message") });
    Ok(RunDecision { block: wish.member("block").map(block).transpose()?, ..RunDecision::default() })
}

pub(crate) fn reply(wish: Wish<'_>) -> Result<Reply> {
    Ok(Reply { reply: wish.text("reply"), reason: wish.text("reason"), ..Reply::default() })
}

pub(crate) fn finalize(wish: Wish<'_>) -> Result<Finalize> {
    let action = match wish.said("action")?.as_str() {
        "continue" => before_agent_finalize::Action::Continue,
        "revise" => before_agent_finalize::Action::Revise,
        "finalize" => before_agent_finalize::Action::Finalize,
        other => return Err(Error::new(format!("no such action: {other}"))),
    };
    let retry = |retry: Wish<'_>| {
        let (key, max_attempts) = (retry.text("key"), retry.number("max-attempts"));
        Ok::<_, Error>(before_agent_finalize::Retry { instruction: retry.said("instruction")?, key, max_attempts })
    };
    let retry = wish.member("retry").map(retry).transpose()?;
    Ok(Finalize { action, reason: wish.text("reason"), retry, ..Finalize::default() })
}

pub(crate) fn model(wish: Wish<'_>) -> Result<ModelChoice> {
    let (provider, model, thinking) = (wish.text("provider"), wish.text("model"), wish.text("thinking"));
    Ok(ModelChoice { provider, model, thinking, ..ModelChoice::default() })
}

pub(crate) fn tool(wish: Wish<'_>) -> Result<ToolDecision> {
    let block = |block: Wish<'_>| Ok::<_, Error>(before_tool_call::Block { reason: block.said("reason")? });
    let block = wish.member("block").map(block).transpose()?;
    Ok(ToolDecision { params: wish.json("params"), block, approval: wish.approval()?, ..ToolDecision::default() })
}

pub(crate) fn dispatch(wish: Wish<'_>) -> Result<DispatchClaim> {
    Ok(DispatchClaim { text: wish.text("text"), ..DispatchClaim::default() })
}

pub(crate) fn turn(wish: Wish<'_>) -> Result<TurnContext> {
    let (prepend_context, append_context) = (wish.text("prepend-context"), wish.text("append-context"));
    Ok(TurnContext { prepend_context, append_context, ..TurnContext::default() })
}

pub(crate) fn heartbeat(wish: Wish<'_>) -> Result<HeartbeatContext> {
    let (prepend_context, append_context) = (wish.text("prepend-context"), wish.text("append-context"));
    Ok(HeartbeatContext { prepend_context, append_context, ..HeartbeatContext::default() })
}

pub(crate) fn prompt(wish: Wish<'_>) -> Result<PromptChange> {
    Ok(PromptChange {
        system_prompt: wish.text("system-prompt"),
        prepend_context: wish.text("prepend-context"),
        append_context: wish.text("append-context"),
        prepend_system_context: wish.text("prepend-system-context"),
        append_system_context: wish.text("append-system-context"),
        tools_allow: wish.texts("tools-allow"),
        ..PromptChange::default()
    })
}

pub(crate) fn write(wish: Wish<'_>) -> Result<WriteDecision> {
    Ok(WriteDecision { content: wish.json("content"), block: wish.text("block"), ..WriteDecision::default() })
}

pub(crate) fn tool_result(wish: Wish<'_>) -> Result<AnswerChange> {
    Ok(AnswerChange { content: wish.json("content"), ..AnswerChange::default() })
}

pub(crate) fn sending(wish: Wish<'_>) -> Result<SendDecision> {
    Ok(SendDecision { text: wish.text("text"), cancel: wish.text("cancel"), ..SendDecision::default() })
}

pub(crate) fn install(wish: Wish<'_>) -> Result<InstallDecision> {
    let finding = |wish: Wish<'_>| Ok::<_, Error>(before_install::Finding { severity: wish.severity(), text: wish.said("text")? });
    let findings = wish.list("findings").unwrap_or_default().into_iter().map(finding).collect::<Result<_>>()?;
    Ok(InstallDecision { findings, block: wish.text("block"), ..InstallDecision::default() })
}

pub(crate) fn policy(wish: Wish<'_>) -> Result<PolicyDecision> {
    let (params, deny, approval) = (wish.json("params"), wish.text("deny"), wish.approval()?);
    Ok(PolicyDecision { params, deny, approval, ..PolicyDecision::default() })
}
