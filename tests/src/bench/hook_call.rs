//! `hook-call-100b`, `hook-call-10k`: calling a warm shared cell, against the same export by `call_async`.
//!
//! Each is measured twice: with a context that says everything (a session, a conversation, a run, a principal), and with one that says only why
//! the plugin is called. The second is the harder one, since the raw call is shorter there.

use super::raw::wire::exports::plugbay::plugin::{before_tool_call, message_received};
use super::raw::wire::plugbay::plugin::types;
use super::rounds::{Compared, nanos_each};
use super::row::Row;
use super::stage::{Stage, Told};
use anyhow::{Context, Result, ensure};
use plugbay_runtime::{BeforeToolCall, Fired, Hook, Json, Message, MessageReceived, ToolCall};
use std::time::Instant;

/// Calls in a row.
const BATCH: u32 = 2_000;

/// 100 bytes of arguments, handed back by the plugin.
pub(super) async fn tool_call(rounds: usize) -> Result<Vec<Row>> {
    let stage = Stage::bench_guest().await?;
    let everything = echo(&stage, Told::Everything, rounds).await?;
    let cause = echo(&stage, Told::Cause, rounds).await?;
    Ok(vec![
        everything.row(("hook-call-100b", "ns"), "raw call_async", 1.5).note("with session, conversation, run and principal"),
        cause.row(("hook-call-100b-bare", "ns"), "raw call_async", 1.5).note("with none of them"),
    ])
}

/// 10,000 bytes of text, taken by the plugin.
pub(super) async fn message(rounds: usize) -> Result<Vec<Row>> {
    let stage = Stage::bench_guest().await?;
    let everything = take(&stage, Told::Everything, rounds).await?;
    let cause = take(&stage, Told::Cause, rounds).await?;
    Ok(vec![
        everything.row(("hook-call-10k", "ns"), "raw call_async", 1.2).note("with session, conversation, run and principal"),
        cause.row(("hook-call-10k-bare", "ns"), "raw call_async", 1.2).note("with none of them"),
    ])
}

async fn echo(stage: &Stage, told: Told, rounds: usize) -> Result<Compared> {
    let params = format!(r#"{{"command":"{}"}}"#, "x".repeat(86));
    ensure!(params.len() == 100, "the arguments have {} bytes", params.len());
    let (call, json) = (told.ours(), Json::check(params.as_str())?);
    let event = ToolCall { tool: "echo".to_owned(), params: json.into(), call_id: Some("call-1".to_owned()), attrs: Vec::new() };
    let fired = Fired::<BeforeToolCall>::new(event);
    let ours = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            let decision = stage.plugin.call(&call, &fired).await?;
            decision.params.context("nothing came back")?;
        }
        Ok(nanos_each(start, BATCH))
    };
    let mut cell = stage.maker.cell(&stage.activation).await?;
    let hook = stage.maker.tool_call()?.load(&mut cell.store, &cell.instance)?;
    let (mut context, talk) = (context::<BeforeToolCall>(told), told.talk());
    let event = raw_tool_call("echo", &params);
    let raw = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            let lent = cell.lend(talk.as_ref(), &mut context)?;
            let answer = hook.call_handle(&mut cell.store, &context, &event).await?.map_err(anyhow::Error::msg)?;
            cell.take_back(lent)?;
            answer.and_then(|outcome| outcome.params).context("nothing came back")?;
        }
        Ok(nanos_each(start, BATCH))
    };
    Compared::measure(rounds, ours, raw).await
}

async fn take(stage: &Stage, told: Told, rounds: usize) -> Result<Compared> {
    let text = "A message of ordinary length is shorter. ".repeat(244).chars().take(10_000).collect::<String>();
    let call = told.ours();
    let event = Message { id: Some("m-1".to_owned()), text: text.clone(), at: 1, attrs: Vec::new() };
    let fired = Fired::<MessageReceived>::new(event);
    let ours = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            stage.plugin.call(&call, &fired).await?;
        }
        Ok(nanos_each(start, BATCH))
    };
    let mut cell = stage.maker.cell(&stage.activation).await?;
    let hook = stage.maker.message()?.load(&mut cell.store, &cell.instance)?;
    let (mut context, talk) = (context::<MessageReceived>(told), told.talk());
    let event = message_received::Event { message_id: Some("m-1".to_owned()), text: types::Text::Whole(text), at: 1, attrs: Vec::new() };
    let raw = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            let lent = cell.lend(talk.as_ref(), &mut context)?;
            hook.call_handle(&mut cell.store, &context, &event).await?.map_err(anyhow::Error::msg)?;
            cell.take_back(lent)?;
        }
        Ok(nanos_each(start, BATCH))
    };
    Compared::measure(rounds, ours, raw).await
}

/// The raw context for a hook.
pub(super) fn context<H: Hook>(told: Told) -> types::CallContext {
    told.raw(H::NAME, u64::try_from(H::BUDGET.as_millis()).unwrap_or(u64::MAX))
}

/// The raw event of a tool call.
pub(super) fn raw_tool_call(tool: &str, params: &str) -> before_tool_call::Event {
    let params = types::Payload::Json(params.to_owned());
    before_tool_call::Event { tool_name: tool.to_owned(), params, tool_call_id: Some("call-1".to_owned()), attrs: Vec::new() }
}
