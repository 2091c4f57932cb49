//! The engine and subagents: it is asked before one starts, and told when one is over.
//!
//! Asked is the engine in the slot; told is the one that was asked, wherever it is by then. An engine that fails is quarantined, and the subagent whose start it was asked about doesn't
//! start. One that can't be asked has prepared nothing, and the subagent starts; one that can't be told of the end is told later, which is up to who ends it.

use super::seat::{Asked, At};
use super::slot::Contexts;
use plugbay_runtime::{Call, ContextSpawn, ContextSpawnEnd, PluginId, SpawnEnded, SpawnFate, Spawning};

/// Whether an engine knows that a subagent is over.
pub(crate) enum EndTold {
    /// It does, or needn't.
    Settled,
    /// It can't be asked at the moment, and why.
    NotNow(String),
}

impl Contexts {
    /// Asks the engine before a subagent starts. The call is about the session that it works for. What the engine wants back, and which engine that is; nothing, if it has no part in it.
    ///
    /// # Errors
    /// What the engine says: the subagent doesn't start.
    pub(crate) async fn prepare_spawn(&self, call: &Call, child_key: &str) -> Result<Option<(PluginId, Option<String>)>, String> {
        let seat = self.seat();
        let Some(plugin) = seat.plugin().filter(|_| seat.has::<ContextSpawn>()) else { return Ok(None) };
        let event = Spawning { child_key: child_key.to_owned(), attrs: Vec::new() };
        match seat.ask::<ContextSpawn>(At::Usual, call, event).await {
            Asked::Answered(prepared) => Ok(Some((plugin.clone(), prepared.ticket))),
            Asked::Builtin => Ok(None),
            Asked::Failed(why) => Err(format!("the context engine `{plugin}` didn't prepare for the subagent, and is quarantined: {why}")),
        }
    }

    /// Tells an engine that a subagent is over. One that is uninstalled, or that doesn't want to know, needn't be told; one that fails was told.
    pub(crate) async fn spawn_ended(
        &self,
        call: &Call,
        engine: &PluginId,
        child_key: &str,
        ticket: Option<String>,
        end: SpawnFate,
    ) -> EndTold {
        let seat = match self.seat_of(engine) {
            Ok(seat) => seat,
            Err(why) if self.parts().plugins.get(engine.as_str()).is_none() => {
                tracing::warn!(child_key, why, "the context engine isn't told that a subagent is over");
                return EndTold::Settled;
            }
            Err(why) => return not_now(child_key, why),
        };
        if !seat.has::<ContextSpawnEnd>() {
            return EndTold::Settled;
        }
        let event = SpawnEnded { child_key: child_key.to_owned(), ticket, end, attrs: Vec::new() };
        match seat.ask::<ContextSpawnEnd>(At::Usual, call, event).await {
            // What follows from a failure is decided there, and said in the log.
            Asked::Answered(()) | Asked::Failed(_) => EndTold::Settled,
            Asked::Builtin => not_now(child_key, format!("the plugin `{engine}` wasn't asked")),
        }
    }
}

fn not_now(child_key: &str, why: String) -> EndTold {
    tracing::warn!(child_key, why, "the context engine can't be told now that a subagent is over");
    EndTold::NotNow(why)
}
