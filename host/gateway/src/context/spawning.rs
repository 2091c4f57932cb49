//! The engine and subagents: it is asked before one starts, and told when one is over.
//!
//! Asked is the engine in the slot; told is the one that was asked, wherever it is by then. An engine that fails is quarantined, and the subagent whose start it was asked about doesn't
//! start. One that can't be asked has prepared nothing, and the subagent starts.

use super::seat::{Asked, At};
use super::slot::Contexts;
use plugbay_runtime::{Call, ContextSpawn, ContextSpawnEnd, PluginId, SpawnEnded, SpawnFate, Spawning};

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

    /// Tells an engine that a subagent is over, if it still can be told.
    pub(crate) async fn spawn_ended(&self, call: &Call, engine: &PluginId, child_key: &str, ticket: Option<String>, end: SpawnFate) {
        let seat = match self.seat_of(engine) {
            Ok(seat) => seat,
            Err(why) => return tracing::warn!(child_key, why, "the context engine isn't told that a subagent is over"),
        };
        if seat.has::<ContextSpawnEnd>() {
            let event = SpawnEnded { child_key: child_key.to_owned(), ticket, end, attrs: Vec::new() };
            // What follows from a failure is decided there, and said in the log.
            let _: Asked<()> = seat.ask::<ContextSpawnEnd>(At::Usual, call, event).await;
        }
    }
}
