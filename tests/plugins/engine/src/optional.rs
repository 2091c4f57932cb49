//! What an engine may do besides.

use crate::Engine;
use crate::deeds::{Deed, oversized};
use crate::record::transcript;
use crate::trio::{number, take_in, text};
use plugbay_sdk::prelude::*;

impl Engine {
    pub(crate) fn bootstrap(&mut self, call: &Call, event: &Bootstrapping) -> Result<Bootstrapped> {
        let deed = self.begin("context-bootstrap", call, json!({ "entries": event.entries }))?;
        match &deed {
            Deed::Well => {
                let newest = transcript(call)?.newest(1);
                take_in(call, &newest.iter().map(|entry| entry.id).collect::<Vec<_>>())?;
                Ok(Bootstrapped::all(event))
            }
            Deed::Oversized => Ok(Bootstrapped::some(0, oversized())),
            Deed::Answer(answer) => {
                Ok(Bootstrapped { entries: number(answer, "entries"), why: text(answer, "why"), ..Bootstrapped::all(event) })
            }
            other => Err(other.not_here("context-bootstrap")),
        }
    }

    pub(crate) fn turn(&mut self, call: &Call, event: &TurnDone) -> Result<TurnRecord> {
        let TurnDone { turn_key, heartbeat, budget, tokens, .. } = event;
        let told = json!({ "turn-key": turn_key, "heartbeat": heartbeat, "budget": budget, "tokens": tokens });
        let deed = self.begin("context-turn", call, told)?;
        match &deed {
            Deed::Well => {
                let turns = Store::<bool>::open("turns", store::Options::up_to(200))?;
                Ok(if turns.register_if_absent(turn_key, &true)? { TurnRecord::Committed } else { TurnRecord::Duplicate })
            }
            Deed::Oversized => Err(Error::new(oversized())),
            Deed::Answer(Value::String(word)) if word == "committed" => Ok(TurnRecord::Committed),
            Deed::Answer(Value::String(word)) if word == "duplicate" => Ok(TurnRecord::Duplicate),
            other => Err(other.not_here("context-turn")),
        }
    }

    pub(crate) fn maintain(&mut self, call: &Call, event: &Maintaining) -> Result<()> {
        self.begin("context-maintain", call, json!({ "moment": word(&event.moment) }))?.without_answer("context-maintain")
    }

    pub(crate) fn spawn(&mut self, call: &Call, event: &Spawning) -> Result<Prepared> {
        let deed = self.begin("context-spawn", call, json!({ "child-key": event.child_key }))?;
        match &deed {
            Deed::Well => Ok(Prepared::ticket(format!("ticket for {}", event.child_key))),
            Deed::Oversized => Ok(Prepared::ticket(oversized())),
            Deed::Answer(answer) => Ok(Prepared { ticket: text(answer, "ticket"), ..Prepared::nothing() }),
            other => Err(other.not_here("context-spawn")),
        }
    }

    pub(crate) fn spawn_end(&mut self, call: &Call, event: &SpawnEnded) -> Result<()> {
        let told = json!({ "child-key": event.child_key, "ticket": event.ticket, "end": word(&event.end) });
        self.begin("context-spawn-end", call, told)?.without_answer("context-spawn-end")
    }

    pub(crate) fn dispose(&mut self, call: &Call) -> Result<()> {
        self.begin("context-dispose", call, json!({}))?.without_answer("context-dispose")
    }
}

/// `SpawnEnd::RolledBack` as the contract has it: `rolled-back`.
fn word(case: &dyn std::fmt::Debug) -> String {
    let shown = format!("{case:?}");
    let name = shown.rsplit("::").next().unwrap_or_default();
    let spaced = name.char_indices().flat_map(|(at, letter)| {
        let hyphen = (at > 0 && letter.is_ascii_uppercase()).then_some('-');
        hyphen.into_iter().chain([letter.to_ascii_lowercase()])
    });
    spaced.collect()
}
