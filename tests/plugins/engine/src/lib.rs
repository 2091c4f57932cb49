//! A context engine for the host's tests: it behaves as its settings say, and writes each call down.
//!
//! Left alone it is a good one: it keeps the newest entries that fit, after a compaction no more than half of the budget and a note above them, and knows what it
//! was told before. `does` says what else a method does, by the interface's name: a list of deeds, one for each call, and the last for all that follow. So `["err"]` fails each
//! time, `["err", "well"]` once. The deeds are in `deeds.rs`.
//!
//! Each call becomes a row in the namespace `calls` of its keyed store, under a number that counts up: `{method, event, session, life, run, cell, …}`, with the contract's names.
//!
//! The crates `engine` and `engine-bare` are this one source; the second has only what an engine can't be without. `plugbay_guests::engines` makes other ids and options of
//! both, by changing bytes.

#![forbid(unsafe_code)]

mod deeds;
mod newest;
#[cfg(not(feature = "bare"))]
mod optional;
mod record;
#[cfg(test)]
mod tests;
mod trio;

use deeds::Settings;
use plugbay_sdk::prelude::*;

struct Engine {
    settings: Settings,
    /// Which of the plugin's cells this is, once it was called.
    cell: Option<u64>,
}

#[cfg(not(feature = "bare"))]
#[plugin(id = "engine-a", isolation(shared, pool, session, call), context_engine(maintenance = "background"))]
impl Engine {
    fn activate(_: &Activation, settings: Settings) -> Self {
        Self { settings, cell: None }
    }

    fn context_ingest(&mut self, call: &Call, event: Ingesting) -> Result<Ingested> {
        self.ingest(call, &event)
    }

    fn context_assemble(&mut self, call: &Call, event: Assembling) -> Result<Assembled> {
        self.assemble(call, &event)
    }

    fn context_compact(&mut self, call: &Call, event: CompactionAsked) -> Result<Compaction> {
        self.compact(call, &event)
    }

    fn context_bootstrap(&mut self, call: &Call, event: Bootstrapping) -> Result<Bootstrapped> {
        self.bootstrap(call, &event)
    }

    fn context_turn(&mut self, call: &Call, event: TurnDone) -> Result<TurnRecord> {
        self.turn(call, &event)
    }

    fn context_maintain(&mut self, call: &Call, event: Maintaining) -> Result<()> {
        self.maintain(call, &event)
    }

    fn context_spawn(&mut self, call: &Call, event: Spawning) -> Result<Prepared> {
        self.spawn(call, &event)
    }

    fn context_spawn_end(&mut self, call: &Call, event: SpawnEnded) -> Result<()> {
        self.spawn_end(call, &event)
    }

    fn context_dispose(&mut self, call: &Call, _: Disposing) -> Result<()> {
        self.dispose(call)
    }
}

#[cfg(feature = "bare")]
#[plugin(id = "engine-a", isolation(shared, pool, session, call))]
impl Engine {
    fn activate(_: &Activation, settings: Settings) -> Self {
        Self { settings, cell: None }
    }

    fn context_ingest(&mut self, call: &Call, event: Ingesting) -> Result<Ingested> {
        self.ingest(call, &event)
    }

    fn context_assemble(&mut self, call: &Call, event: Assembling) -> Result<Assembled> {
        self.assemble(call, &event)
    }

    fn context_compact(&mut self, call: &Call, event: CompactionAsked) -> Result<Compaction> {
        self.compact(call, &event)
    }
}
