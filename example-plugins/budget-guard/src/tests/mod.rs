//! The plugin natively: its own methods over the SDK's stand-ins.

mod asking;
mod counting;
mod people;

use super::*;
use plugbay_sdk::hooks::llm_output::Usage;

/// The plugin with these settings.
fn guard(settings: Value) -> BudgetGuard {
    start(settings).unwrap()
}

fn start(settings: Value) -> Result<BudgetGuard> {
    let activation = Activation {
        reason: ActivationReason::Install,
        config: "{}".into(),
        granted: Vec::new(),
        denied: Vec::new(),
        previous_version: None,
    };
    BudgetGuard::activate(&activation, serde_json::from_value(settings)?)
}

/// A call in a turn of a session.
fn turn(session: &str, run: &str) -> Call<'static> {
    Call { session: Some(sessions::fake::session(session)), run: Some(run.into()), ..Call::default() }
}

/// What becomes of a call of a tool.
#[derive(Debug, PartialEq)]
enum Fate {
    Goes,
    Asks(String, String),
    Denied(String),
}

fn wants(guard: &BudgetGuard, call: &Call, tool: &str, id: &str) -> Fate {
    let asked = PolicyAsked { tool_call_id: Some(id.into()), ..PolicyAsked::new(tool, "{}") };
    let decision = guard.tool_policy(call, asked).unwrap().unwrap_or_default();
    match (decision.deny, decision.approval) {
        (Some(why), None) => Fate::Denied(why),
        (None, Some(approval)) => Fate::Asks(approval.title, approval.description),
        _ => Fate::Goes,
    }
}

fn blocked(guard: &BudgetGuard, call: &Call, tool: &str, id: &str) {
    let ended = ToolEnded { end: End::Blocked, tool_call_id: Some(id.into()), ..ToolEnded::new(tool, "{}", "\"no\"") };
    guard.after_tool_call(call, ended).unwrap();
}

/// A tool answers.
fn answered(guard: &BudgetGuard, call: &Call, tool: &str, id: &str) {
    let ended = ToolEnded { tool_call_id: Some(id.into()), ..ToolEnded::new(tool, "{}", "1") };
    guard.after_tool_call(call, ended).unwrap();
}

fn said(guard: &BudgetGuard, call: &Call, input: u64, output: u64) {
    let usage = Usage { input: Some(input), output: Some(output) };
    guard.llm_output(call, ModelOutput { usage, ..ModelOutput::new("Hello.") }).unwrap();
}

/// What is shown of a session.
fn shown(guard: &BudgetGuard, call: &Call) -> Value {
    let state = session_state::read_json(call.session().unwrap(), "budget").unwrap().unwrap();
    guard.session_projection(call, Projecting::new("budget", state)).unwrap().unwrap()
}
