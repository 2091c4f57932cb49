//! The plugin natively: its own methods over a conversation that a test has made.

mod growth;
mod planted;
mod wayfinding;

use super::*;
use planted::Said;
use plugbay_sdk::hooks::context_assemble::Part;

/// The plugin with these settings.
fn plugin(settings: Value) -> LosslessContext {
    let activation = Activation {
        reason: ActivationReason::Install,
        config: "{}".into(),
        granted: Vec::new(),
        denied: Vec::new(),
        previous_version: None,
    };
    LosslessContext::activate(&activation, serde_json::from_value(settings).unwrap()).unwrap()
}

/// An entry: ids begin at 1,001, and there is one in two minutes.
fn entry((at, said): (usize, &Said)) -> Entry {
    let role = match said.role {
        "user" => Role::User,
        "tool" => Role::Tool,
        _ => Role::Assistant,
    };
    let content = Payload::Json(Value::String(said.text.clone()).to_string());
    Entry { id: 1_001 + at as u64, role, at: 1_790_000_000_000 + 120_000 * at as u64, content, tool_call_id: said.call.clone() }
}

/// A call about the session `chat`, in which this was said.
fn call(said: &[Said]) -> Call<'static> {
    let transcript = Some(Transcript::of(said.iter().enumerate().map(entry).collect()));
    Call { session: Some(sessions::fake::session("chat")), transcript, ..Call::default() }
}

fn assembling(budget: u64) -> Assembling {
    Assembling { tools: vec![TOOL.into()], ..Assembling::new(budget, "And now?") }
}

/// What the model sees: the summaries, and the ids behind them. Held against the rules that the host has.
fn assembled(plugin: &LosslessContext, call: &Call, budget: u64) -> (String, Vec<u64>) {
    let answer = plugin.context_assemble(call, assembling(budget)).unwrap();
    let (mut above, mut ids, mut tokens) = (String::new(), Vec::new(), 0);
    let transcript = call.transcript.as_ref().unwrap();
    for part in answer.parts {
        match part {
            Part::Message(message) => {
                assert!(ids.is_empty(), "summaries stand above");
                above = serde_json::from_str(&message.content).unwrap();
                tokens += tokens::of_message(&above);
            }
            Part::Entry(id) => {
                tokens += transcript.tokens(id - 1_001, 1)[0];
                ids.push(id);
            }
        }
    }
    assert_eq!(tokens, answer.estimated_tokens);
    assert!(tokens <= budget, "{tokens} of {budget}");
    assert!(ids.windows(2).all(|two| two[0] + 1 == two[1]) && ids.last().is_none_or(|last| *last == 1_000 + transcript.len()));
    assert!(ids.first().and_then(|id| transcript.entry(*id)).is_none_or(|entry| entry.role != Role::Tool), "no answer without its call");
    (above, ids)
}

/// What the tool answers.
fn opened(plugin: &LosslessContext, call: &Call, summary: &str) -> String {
    let answer = plugin.open_summary(call, Wanted { summary: summary.into(), page: None }).unwrap();
    assert!(!answer.is_error);
    serde_json::from_str(&answer.content).unwrap()
}
