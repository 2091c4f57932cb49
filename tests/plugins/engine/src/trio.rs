//! What no engine can be without: ingest, assemble, compact.

use crate::Engine;
use crate::deeds::{Deed, Flaw, oversized};
use crate::newest::{Told, newest, tokens};
use crate::record::{life, transcript};
use plugbay_sdk::hooks::context_assemble::Part;
use plugbay_sdk::prelude::*;

/// What a compaction leaves: where what is told begins, and what stands for the rest.
#[derive(Default)]
struct Cut {
    from: u64,
    note: Option<String>,
}

impl Engine {
    pub(crate) fn ingest(&mut self, call: &Call, event: &Ingesting) -> Result<Ingested> {
        let ids: Vec<u64> = event.entries.iter().map(|entry| entry.id).collect();
        let deed = self.begin("context-ingest", call, json!({ "ids": ids, "heartbeat": event.heartbeat }))?;
        match &deed {
            Deed::Well => take_in(call, &ids).map(Ingested::some),
            Deed::Oversized => Ok(Ingested { entries: 0, attrs: vec![("much".into(), json!(oversized()).to_string())] }),
            Deed::Answer(answer) => {
                Ok(Ingested { entries: u32::try_from(number(answer, "entries")).unwrap_or(u32::MAX), attrs: Vec::new() })
            }
            other => Err(other.not_here("context-ingest")),
        }
    }

    pub(crate) fn assemble(&mut self, call: &Call, event: &Assembling) -> Result<Assembled> {
        let told = json!({
            "budget": event.budget,
            "call": event.call,
            "model": event.model,
            "prompt": event.prompt.as_str().ok().map(|text| text.chars().take(1_000).collect::<String>()),
            "tools": event.tools,
            "heartbeat": event.heartbeat,
        });
        let deed = self.begin("context-assemble", call, told)?;
        match &deed {
            Deed::Well => well(call, event.budget).map(|(answer, _)| answer),
            Deed::Oversized => Ok(Assembled::new().message(Role::User, oversized())),
            Deed::Answer(answer) => assembled(answer),
            Deed::Assembles(flaw) => flawed(flaw, call, event.budget),
            other => Err(other.not_here("context-assemble")),
        }
    }

    pub(crate) fn compact(&mut self, call: &Call, event: &CompactionAsked) -> Result<Compaction> {
        let told = json!({
            "reason": format!("{:?}", event.reason).replace("Reason::", "").to_lowercase(),
            "forced": event.forced,
            "budget": event.budget,
            "tokens": event.tokens,
            "instructions": event.instructions,
        });
        let deed = self.begin("context-compact", call, told)?;
        match &deed {
            Deed::Well => halve(call, event.budget),
            Deed::Oversized => Ok(Compaction::done(0, 0).summary(oversized())),
            Deed::Answer(answer) => Ok(Compaction {
                compacted: answer.get("compacted").and_then(Value::as_bool).unwrap_or_default(),
                why: text(answer, "why"),
                summary: text(answer, "summary"),
                ..Compaction::done(number(answer, "tokens-before"), number(answer, "tokens-after"))
            }),
            other => Err(other.not_here("context-compact")),
        }
    }
}

/// How many of these the engine hadn't yet.
pub(crate) fn take_in(call: &Call, ids: &[u64]) -> Result<usize> {
    let known = Store::<u64>::open("known", store::Options::up_to(100))?;
    let mut fresh = 0;
    known.update(&life(call)?, |last| {
        let last = last.unwrap_or(0);
        fresh = ids.iter().filter(|id| **id > last).count();
        ids.iter().copied().fold(last, u64::max)
    })?;
    Ok(fresh)
}

fn cuts() -> Result<Store<Value>> {
    Ok(Store::open("cuts", store::Options::up_to(100))?)
}

fn cut(call: &Call) -> Result<Cut> {
    let row = cuts()?.lookup(&life(call)?)?;
    Ok(row.map(|row| Cut { from: number(&row, "from"), note: text(&row, "note") }).unwrap_or_default())
}

/// What a good engine answers, and which entries are in it.
fn well(call: &Call, budget: u64) -> Result<(Assembled, Vec<Told>)> {
    let cut = cut(call)?;
    let noted = cut.note.as_deref().map_or(0, tokens::of_message);
    let told = newest(transcript(call)?, cut.from, budget.saturating_sub(noted));
    let mut answer = Assembled::new();
    if let Some(note) = cut.note.filter(|_| noted <= budget) {
        answer = answer.message(Role::User, note).estimated(noted);
    }
    let estimate = answer.estimated_tokens + tokens(&told);
    Ok((answer.entries(told.iter().map(|entry| entry.id)).estimated(estimate), told))
}

/// The same with something wrong.
fn flawed(flaw: &Flaw, call: &Call, budget: u64) -> Result<Assembled> {
    let (mut answer, told) = well(call, budget)?;
    let last = told.last().map_or(0, |entry| entry.id);
    let answers = || told.iter().rposition(|entry| entry.role == Role::Tool).ok_or_else(|| Error::new("no tool has answered"));
    match flaw {
        Flaw::UnknownEntry => Ok(answer.entry(last + 1_000_000)),
        Flaw::WrongOrder => {
            answer.parts.reverse();
            Ok(answer)
        }
        Flaw::TwiceTheSame => Ok(answer.entry(last)),
        Flaw::HalfGroup => Ok(without(answer, &told, answers()?)),
        Flaw::OrphanAnswer => {
            let first = answers()?;
            let caller = told.iter().take(first).rposition(|entry| entry.role != Role::Tool).unwrap_or_default();
            Ok(without(answer, &told, caller))
        }
        Flaw::OverEstimate => Ok(answer.estimated(budget + 1)),
        Flaw::OverBudget => {
            Ok((0..=budget / 10_000).fold(answer, |answer, _| answer.message(Role::User, "word ".repeat(10_001))).estimated(0))
        }
        Flaw::ToolMessage => Ok(answer.message(Role::Tool, "an answer to nobody")),
        Flaw::BadJson => Ok(answer.message_json(Role::User, "{")),
        Flaw::LongAddition => Ok(answer.system_prompt_addition("x".repeat(32_769))),
        Flaw::Addition(text) => Ok(answer.system_prompt_addition(text.clone())),
    }
}

/// An answer without one of its entries.
fn without(mut answer: Assembled, told: &[Told], at: usize) -> Assembled {
    answer.parts.retain(|part| !matches!((part, told.get(at)), (Part::Entry(id), Some(entry)) if *id == entry.id));
    answer
}

/// Keeps what fits into half of the budget, or of what there is, and leaves a note in the place of the rest.
fn halve(call: &Call, budget: u64) -> Result<Compaction> {
    let (transcript, before) = (transcript(call)?, cut(call)?);
    let noted = before.note.as_deref().map_or(0, tokens::of_message);
    let all = newest(transcript, before.from, u64::MAX);
    let total = tokens(&all) + noted;
    let kept = newest(transcript, before.from, budget.min(total) / 2);
    let left_out = all.len() - kept.len();
    if left_out == 0 {
        return Ok(Compaction::nothing(total, "there is nothing to leave out"));
    }
    let from = kept.first().or(all.last()).map_or(0, |entry| if kept.is_empty() { entry.id + 1 } else { entry.id });
    let note = format!("[what was said before entry {from}: {left_out} entries]");
    cuts()?.register(&life(call)?, &json!({ "from": from, "note": note }))?;
    let after = tokens(&kept) + tokens::of_message(&note);
    Ok(Compaction::done(total, after).summary(note))
}

/// What a test wants to be answered.
fn assembled(answer: &Value) -> Result<Assembled> {
    let parts = answer.get("parts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut made = Assembled::new().estimated(number(answer, "estimated-tokens"));
    made.system_prompt_addition = text(answer, "system-prompt-addition");
    for part in parts {
        made = match (part.get("entry").and_then(Value::as_u64), part.get("message")) {
            (Some(id), None) => made.entry(id),
            (None, Some(message)) => {
                let content = message.get("content").map(Value::to_string).unwrap_or_default();
                made.message_json(role(message)?, content)
            }
            _ => return Err(Error::new(format!("a part is an entry or a message, not {part}"))),
        };
    }
    Ok(made)
}

fn role(message: &Value) -> Result<Role> {
    match message.get("role").and_then(Value::as_str) {
        Some("system") => Ok(Role::System),
        Some("user") => Ok(Role::User),
        Some("assistant") => Ok(Role::Assistant),
        Some("tool") => Ok(Role::Tool),
        _ => Err(Error::new(format!("{message} has no role"))),
    }
}

pub(crate) fn number(row: &Value, name: &str) -> u64 {
    row.get(name).and_then(Value::as_u64).unwrap_or_default()
}

pub(crate) fn text(row: &Value, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(str::to_owned)
}
