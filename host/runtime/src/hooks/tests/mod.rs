//! Rules of merging, bounds of answers, and that events are what `wit/` says.

mod answers;
mod events;
mod merging;
mod page;
mod people;

use crate::hook::Hook;
use crate::id::PluginId;
use serde_json::Value;

/// An event, as JSON has it.
fn told<H: Hook>(event: Value) -> H::Event {
    serde_json::from_value(event.clone()).unwrap_or_else(|e| panic!("{}: {event}: {e}", H::NAME))
}

/// What answers come to, those of the plugins `p1`, `p2` … in this order; also behind a final one, since who merges may have asked several at once.
fn sum<H: Hook>(event: Value, answers: impl IntoIterator<Item = H::Outcome>) -> (H::Event, Value) {
    let (mut event, mut so_far) = (told::<H>(event), H::Outcome::default());
    for (n, mut answer) in answers.into_iter().enumerate() {
        H::rewrite(&mut event, &mut answer);
        H::merge(&mut so_far, answer, &PluginId::try_from(format!("p{}", n + 1)).unwrap());
    }
    (event, serde_json::to_value(so_far).unwrap())
}
