//! The end of a subagent: its runs are cancelled, its session is deleted as every session is, its context engine is told, and it is noted no more.
//!
//! That it is to be deleted is written down first. What fails is tried again, less and less often, and by the next host that starts; a gateway that stops doesn't wait for it. Whoever asks for it
//! waits for the first attempt.

use super::table::Removal;
use super::{failed, key};
use crate::gateway::Gateway;
use backon::{BackoffBuilder, ExponentialBuilder};
use plugbay_runtime::state::{StateError, Subagent};
use plugbay_runtime::{Call, Caller, Chain, PluginId, ServiceError, Session, SpawnFate, SubagentFate};
use std::sync::PoisonError;
use std::time::Duration;

/// The pause behind the first attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_secs(60);

impl Gateway {
    /// `subagents.delete`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `Failed`.
    pub(crate) async fn delete_subagent(&self, caller: &Caller, name: &str) -> Result<bool, ServiceError> {
        self.runs().behind(caller, "delete")?;
        let key = key(&caller.plugin, name);
        let marked = self.0.store.mark_deleting(caller.plugin.as_str(), name).await;
        if !marked.map_err(|e| failed("delete", &e))? {
            return Ok(false);
        }
        let Removal { mut tried, .. } = self.begin_removal(&key, SpawnFate::Deleted, caller.chain.clone());
        // Who would wait for itself doesn't wait: it is deleted all the same.
        if let Ok(_waiting) = self.0.plugins.waits().for_turns(caller, &key) {
            while tried.changed().await.is_ok() {}
        }
        Ok(true)
    }

    /// Removes a subagent, and waits for the first attempt.
    ///
    /// # Errors
    /// If it can't be written down that it is to go.
    pub(super) async fn remove(&self, key: &str, fate: SpawnFate, chain: Chain) -> Result<(), StateError> {
        if let Some(Subagent { plugin, name, .. }) = self.0.store.subagent_at(key).await? {
            self.0.store.mark_deleting(&plugin, &name).await?;
            let Removal { mut tried, .. } = self.begin_removal(key, fate, chain);
            while tried.changed().await.is_ok() {}
        }
        Ok(())
    }

    /// The same, in the background.
    pub(super) fn begin_removal(&self, key: &str, fate: SpawnFate, chain: Chain) -> Removal {
        let (removal, mine) = self.0.subagents.remove(key, fate);
        if let Some(trying) = mine {
            for child in self.0.subagents.runs_of(key) {
                child.fate.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(SubagentFate::Deleted);
                let _ = self.cancel(&child.run); // it may just have ended
            }
            let (gateway, closing, key) = (self.downgrade(), self.0.closing.clone(), key.to_owned());
            self.0.turns.spawn(async move {
                let mut trying = Some(trying);
                for pause in pauses() {
                    let Some(gateway) = gateway.upgrade() else { return };
                    let over = gateway.removed(&key, &chain).await;
                    trying.take();
                    if over {
                        return gateway.0.subagents.removed(&key);
                    }
                    drop(gateway);
                    if closing.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                        return;
                    }
                }
            });
        }
        removal
    }

    /// One attempt. Whether there is nothing left to do.
    async fn removed(&self, key: &str, chain: &Chain) -> bool {
        let gone = match self.delete(key).await {
            Ok(_) => self.subagent_gone(key, chain).await.map_err(Into::into),
            Err(error) => Err(error),
        };
        if let Err(error) = &gone {
            tracing::warn!(session = key, %error, "a subagent can't be deleted yet: it is tried again, also when the host starts");
        }
        gone.is_ok()
    }

    /// The session of a subagent, if it was one, is gone: its context engine is told, and it is noted no more.
    ///
    /// # Errors
    /// If the state can't be read or written. It is still noted then.
    pub(crate) async fn subagent_gone(&self, key: &str, chain: &Chain) -> Result<(), StateError> {
        let Some(row) = self.0.store.subagent_at(key).await? else { return Ok(()) };
        let fate = self.0.subagents.removal(key).unwrap_or(if row.deleting { SpawnFate::Deleted } else { SpawnFate::Swept });
        let Subagent { plugin, name, parent, engine, ticket, .. } = row;
        if let Some(engine) = engine.and_then(|engine| PluginId::try_from(engine).ok()) {
            let call = Call::new().session(self.parent(&parent).await?).within(chain.clone());
            self.0.contexts.spawn_ended(&call, &engine, key, ticket, fate).await;
        }
        self.0.store.forget_subagent(&plugin, &name).await.map(drop)
    }

    /// The session that a subagent works for; if it is gone, one that says so.
    async fn parent(&self, key: &str) -> Result<Session, StateError> {
        let row = self.0.store.session(key).await?;
        Ok(row.map_or_else(
            || {
                let gone = Session::new(key, "");
                gone.delete();
                gone
            },
            |row| self.0.desk.handles().handle(&row.key, &row.id),
        ))
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default().with_min_delay(PAUSE).with_max_delay(LONGEST).without_max_times().with_jitter().build()
}
