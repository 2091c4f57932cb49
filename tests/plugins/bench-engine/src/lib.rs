//! A context engine that does next to nothing, so that what is measured is the host's part: it names the newest `parts` entries of the conversation and reads none of them.
//!
//! It takes an entry's place for its id, which holds in a session that was never reset.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

/// What the benchmark sets.
#[plugbay_sdk::settings]
struct Settings {
    /// How many entries it names.
    parts: u64,
}

struct Engine {
    parts: u64,
}

#[plugin(isolation(shared, session))]
impl Engine {
    fn activate(_: &Activation, settings: Settings) -> Self {
        Self { parts: settings.parts }
    }

    fn context_ingest(&mut self, _: &Call, event: Ingesting) -> Ingested {
        Ingested::all(&event)
    }

    fn context_assemble(&mut self, call: &Call, _: Assembling) -> Result<Assembled> {
        let entries = call.transcript.as_ref().ok_or_else(|| Error::new("there is no transcript"))?.len();
        Ok(Assembled::new().entries(entries.saturating_sub(self.parts) + 1..=entries))
    }

    fn context_compact(&mut self, _: &Call, event: CompactionAsked) -> Compaction {
        Compaction::nothing(event.tokens, "it names as few as it was told to")
    }

    fn context_bootstrap(&mut self, _: &Call, event: Bootstrapping) -> Bootstrapped {
        Bootstrapped::all(&event)
    }
}
