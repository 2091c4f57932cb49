//! What the end of a session, of a plugin or of a host means for subagents.
//!
//! Those who work for a session end with its life, unless they may outlive it. A session that was a subagent's, and that somebody else has deleted, is one no more. An uninstalled plugin has no subagents; one that
//! is only switched off keeps them. What a host before this one didn't finish is finished when the next one starts.

use crate::gateway::Gateway;
use plugbay_runtime::state::{StateError, Subagent};
use plugbay_runtime::{Chain, PluginId, SpawnFate};

impl Gateway {
    /// A life of a session is over: those who worked for it go. They were marked with its end; what can't be read now is found when the host starts.
    pub(crate) async fn release(&self, key: &str) {
        if self.0.agent.subagents.outlive {
            return;
        }
        match self.noted(|subagent| subagent.deleting && subagent.parent == key).await {
            Ok(released) => released.iter().for_each(|subagent| {
                self.begin_removal(&subagent.session, SpawnFate::Released, Chain::default());
            }),
            Err(error) => {
                tracing::error!(session = key, %error, "the subagents that worked for a session can't be found: the next start does")
            }
        }
    }

    /// A session is gone, and its line isn't free yet: if it was a subagent's, there is no such subagent any more, and what it was still to do isn't done; and those who worked for it go.
    pub(crate) async fn session_gone(&self, key: &str) {
        let (_, mine) = self.0.subagents.remove(key, SpawnFate::Swept);
        self.call_off(key);
        if let Some(trying) = mine {
            let gone = self.subagent_gone(key, &Chain::default()).await;
            self.0.subagents.removed(key);
            drop(trying);
            if let Err(error) = gone {
                tracing::warn!(session = key, %error, "that a subagent's session was deleted isn't noted yet");
                self.begin_removal(key, SpawnFate::Swept, Chain::default());
            }
        }
        self.release(key).await;
    }

    /// A plugin is uninstalled: its subagents go.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub(crate) async fn uninstalled(&self, plugin: &PluginId) -> Result<(), StateError> {
        self.0.subagents.forget(plugin);
        // Behind whoever is just noting one of its: it is found here, or refused there.
        let _alone = self.0.subagents.births.lock().await;
        for subagent in self.noted(|subagent| subagent.plugin == plugin.as_str()).await? {
            self.away_with(&subagent, SpawnFate::Deleted).await?;
        }
        Ok(())
    }

    /// Goes on with what the host before this one began: subagents that are to be deleted, those whose session was deleted, and those whose session for which they work is gone.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub(crate) async fn resume_removals(&self) -> Result<(), StateError> {
        for subagent in self.noted(|_| true).await? {
            let parent = self.0.store.session(&subagent.parent).await?;
            // How it was to end isn't written down; who is to be deleted since before the parent's life was deleted with the one before that.
            let released = parent.as_ref().is_none_or(|parent| subagent.made_at < parent.began_at);
            if subagent.deleting {
                let fate = if released { SpawnFate::Released } else { SpawnFate::Deleted };
                self.begin_removal(&subagent.session, fate, Chain::default());
            } else if subagent.gone {
                self.begin_removal(&subagent.session, SpawnFate::Swept, Chain::default());
            } else if !self.0.agent.subagents.outlive && parent.is_none() {
                self.away_with(&subagent, SpawnFate::Released).await?;
            }
        }
        Ok(())
    }

    /// All subagents of this kind, however many.
    async fn noted(&self, which: impl Fn(&Subagent) -> bool + Send) -> Result<Vec<Subagent>, StateError> {
        let (mut noted, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.0.store.subagents_behind(after.as_deref()).await?;
            let Some(last) = page.last() else { return Ok(noted) };
            after = Some(last.session.clone());
            noted.extend(page.into_iter().filter(|subagent| which(subagent)));
        }
    }

    async fn away_with(&self, subagent: &Subagent, fate: SpawnFate) -> Result<(), StateError> {
        self.0.store.mark_deleting(&subagent.plugin, &subagent.name).await?;
        self.begin_removal(&subagent.session, fate, Chain::default());
        Ok(())
    }
}
