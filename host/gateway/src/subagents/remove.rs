//! The end of a subagent: its runs are cancelled, its session is deleted as every session is, its context engine is told, and it is noted no more.
//!
//! That it is to be deleted is written down first. What fails is tried again, less and less often, and by the next host that starts; a gateway that stops doesn't wait for it. Whoever asks for it
//! waits for the first attempt. An engine that can't be told (it is busy, switched off, quarantined) keeps it noted, and its name taken, for some attempts; then the log says that it was never told.

use super::table::Removal;
use super::{failed, key, refused};
use crate::context::EndTold;
use crate::gateway::Gateway;
use crate::turn::TurnError;
use backon::{BackoffBuilder, ExponentialBuilder};
use plugbay_runtime::state::{StateError, Subagent};
use plugbay_runtime::{Call, Caller, Chain, PluginId, ServiceCode, ServiceError, Session, SpawnFate};
use std::time::Duration;
use thiserror::Error;

/// The pause behind the first attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_secs(60);
/// How often it is tried to tell an engine that a subagent is over: with these pauses for two minutes to four.
const TELLINGS: u32 = 8;

/// Why a subagent is still noted.
#[derive(Debug, Error)]
pub(crate) enum StillNoted {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Session(#[from] TurnError),
    #[error("its context engine can't be told that it is over: {0}")]
    Untold(String),
}

impl Gateway {
    /// `subagents.delete`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `Failed`.
    pub(crate) async fn delete_subagent(&self, caller: &Caller, name: &str) -> Result<bool, ServiceError> {
        self.runs().behind(caller, "delete")?;
        let key = key(&caller.plugin, name);
        let Some(Removal { mut tried, .. }) = self.marked(caller, name, &key).await? else { return Ok(false) };
        // Who would wait for itself doesn't wait, nor who may stand in the way of one that is just being made: it is deleted all the same.
        if !self.0.subagents.is_made(&key)
            && let Ok(_waiting) = self.0.plugins.waits().for_turns(caller, &key)
        {
            while tried.changed().await.is_ok() {}
        }
        Ok(true)
    }

    /// Writes down that it is to be deleted, and begins: both, though the call be cut meanwhile. None: there is none.
    async fn marked(&self, caller: &Caller, name: &str, key: &str) -> Result<Option<Removal>, ServiceError> {
        let (gateway, key, name) = (self.clone(), key.to_owned(), name.to_owned());
        let (plugin, chain) = (caller.plugin.clone(), caller.chain.clone());
        let marked = self.0.turns.spawn(async move {
            let there = gateway.0.store.mark_deleting(plugin.as_str(), &name).await?;
            Ok(there.then(|| gateway.begin_removal(&key, SpawnFate::Deleted, chain)))
        });
        let done = marked.await.map_err(|e| refused(ServiceCode::Failed, format!("delete: the host failed: {e}")))?;
        done.map_err(|e: StateError| failed("delete", &e))
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
            self.call_off(key);
            let (gateway, closing, key) = (self.downgrade(), self.0.closing.clone(), key.to_owned());
            self.0.turns.spawn(async move {
                let (mut trying, mut chain, mut untold) = (Some(trying), chain, 0);
                for pause in pauses() {
                    let Some(gateway) = gateway.upgrade() else { return };
                    let over = gateway.removed(&key, &chain, &mut untold).await;
                    // From here on nobody waits for it.
                    trying.take();
                    chain = Chain::default();
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

    /// One attempt. Whether there is nothing left to do; and how often its engine couldn't be told.
    async fn removed(&self, key: &str, chain: &Chain, untold: &mut u32) -> bool {
        let mut gone = self.attempt(key, chain).await;
        if let Err(StillNoted::Untold(why)) = &gone {
            *untold += 1;
            if *untold >= TELLINGS {
                tracing::error!(session = key, why, attempts = TELLINGS, "the context engine is never told that a subagent is over");
                gone = self.forgotten(key).await.map_err(Into::into);
            }
        }
        if let Err(error) = &gone {
            tracing::warn!(session = key, %error, "a subagent can't be deleted yet: it is tried again, also when the host starts");
        }
        gone.is_ok()
    }

    async fn attempt(&self, key: &str, chain: &Chain) -> Result<(), StillNoted> {
        // A session that has the key of one that is gone is somebody else's, and its turns are none of ours.
        if self.0.store.subagent_at(key).await?.is_some_and(|subagent| !subagent.gone) {
            self.delete_for_subagent(key).await?;
        }
        self.subagent_gone(key, chain).await
    }

    async fn forgotten(&self, key: &str) -> Result<(), StateError> {
        match self.0.store.subagent_at(key).await? {
            Some(Subagent { plugin, name, .. }) => self.0.store.forget_subagent(&plugin, &name).await.map(drop),
            None => Ok(()),
        }
    }

    /// The session of a subagent, if it was one, is gone: its context engine is told, and it is noted no more.
    ///
    /// # Errors
    /// If the state can't be read or written, or the engine can't be told at the moment. It is still noted then, and the next host that starts goes on with it.
    pub(crate) async fn subagent_gone(&self, key: &str, chain: &Chain) -> Result<(), StillNoted> {
        let Some(row) = self.0.store.subagent_at(key).await? else { return Ok(()) };
        let fate = self.0.subagents.removal(key).unwrap_or(if row.deleting { SpawnFate::Deleted } else { SpawnFate::Swept });
        let Subagent { plugin, name, parent, engine, ticket, .. } = row;
        if let Some(engine) = engine.and_then(|engine| PluginId::try_from(engine).ok()) {
            // Who waits for the subagent's end waits for this, whoever began it.
            let call = Call::new().session(self.parent(&parent).await?).within(chain.clone()).ends(key);
            if let EndTold::NotNow(why) = self.0.contexts.spawn_ended(&call, &engine, key, ticket, fate).await {
                return Err(StillNoted::Untold(why));
            }
        }
        Ok(self.0.store.forget_subagent(&plugin, &name).await.map(drop)?)
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
