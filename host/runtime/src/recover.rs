//! The ways back: to an earlier version, by hand or because the new one failed, and out of a quarantine.

use crate::error::{Done, LoadError, Loaded, Reason, Step};
use crate::host::Alarm;
use crate::order::Order;
use crate::plugin::{Before, Plugin, Saved};
use crate::prepare::Refusal;
use crate::record::{Fate, Judged, KeptVersion, PluginRecord};
use crate::settings::Settings;
use crate::standing::Standing;
use crate::swap::{Swap, What, Yard};
use crate::write::Write;
use plugbay_engine::Digest;
use std::path::PathBuf;
use std::sync::Arc;

impl Yard {
    /// Goes back to a version that ran before.
    pub(crate) async fn roll_back(&self, plugin: &Plugin, to: Option<Digest>, order: &mut Order) -> Result<Done, LoadError> {
        let name = PathBuf::from(format!("{}.wasm", plugin.id()));
        let at = |refusal: Refusal| refusal.reason.at(&name, refusal.step);
        let stand = plugin.view(|v| v.stand.clone());
        if matches!(stand.standing, Standing::Disabled | Standing::Missing) {
            return Err(at((Step::Read, Reason::Aside { plugin: plugin.id().clone(), standing: stand.standing, why: stand.why }).into()));
        }
        let (target, settings, judged) = plugin.view(|v| {
            let active = v.record.active.clone().filter(|a| Some(a.digest) != to);
            let why = order.why.clone().unwrap_or_else(|| "an operator rolled it back".to_owned());
            let judged = active.map(|a| Judged::of_version(&a, Fate::RolledBack, why, &v.settings));
            (v.record.target(to).map(|t| t.digest), v.settings.clone(), judged)
        });
        let target = target.ok_or_else(|| at((Step::Read, no_version(plugin, to)).into()))?;
        let saved = self.saved(plugin, target).await;
        self.bring_back(plugin, Before { digest: target, settings, saved }, judged, order).await.map_err(at)
    }

    /// Brings back what served before.
    async fn bring_back(&self, plugin: &Plugin, before: Before, judged: Option<Judged>, order: &mut Order) -> Result<Done, Refusal> {
        let verified = self.kept(plugin, before.digest).await?;
        let swap = Swap { verified, settings: before.settings, saved: before.saved, what: What::RollBack, judged };
        self.swap(plugin, swap, order).await
    }

    /// What a version saved when it was replaced, if that is known.
    async fn saved(&self, plugin: &Plugin, digest: Digest) -> Option<Arc<Saved>> {
        let (here, version) = plugin.view(|v| {
            let here = v.before.as_ref().filter(|b| b.digest == digest).and_then(|b| b.saved.clone());
            (here, v.record.versions().find(|k| k.digest == digest).map(|k| k.version.clone()))
        });
        if here.is_some() {
            return here;
        }
        let (versions, id) = (self.versions.clone(), plugin.id().clone());
        let bytes = tokio::task::spawn_blocking(move || versions.blob(&id, digest)).await;
        match bytes {
            Ok(Ok(bytes)) => Some(Arc::new(Saved { version: version?, bytes: bytes? })),
            Ok(Err(e)) => {
                tracing::warn!(plugin = %plugin.id(), "what version {digest} saved isn't there: {e}");
                None
            }
            Err(_) => None,
        }
    }

    /// A generation rang. What it is about may have been replaced meanwhile; then there is nothing to do.
    pub(crate) async fn answer(&self, plugin: &Plugin, number: u64, alarm: Alarm) {
        if plugin.generation().is_none_or(|g| g.number() != number) {
            return;
        }
        let mut order = Order::automatic("host");
        let answered = match alarm {
            Alarm::Failed { why } => self.fail(plugin, why, &mut order).await,
            Alarm::Quarantined { why } => self.quarantine(plugin, Some(why), "quarantine", &mut order).await,
        };
        if let Err(refusal) = answered {
            tracing::error!(plugin = %plugin.id(), "step `{}`: {}", refusal.step, refusal.reason);
        }
    }

    async fn fail(&self, plugin: &Plugin, why: String, order: &mut Order) -> Result<(), Refusal> {
        let (before, judged) = plugin.view(|v| {
            let judged = v.record.active.clone().map(|a| Judged::of_version(&a, Fate::Failed, why.clone(), &v.settings));
            (v.before.clone(), judged)
        });
        let Some(before) = before else { return Ok(()) };
        tracing::warn!(plugin = %plugin.id(), "rolled back: {why}");
        self.bring_back(plugin, before, judged, order).await.map(drop)
    }

    /// Ends a quarantine, and closes the breaker.
    pub(crate) async fn reset(&self, plugin: &Plugin, order: &mut Order) -> Result<Done, Refusal> {
        self.quarantine(plugin, None, "reset", order).await?;
        let serving = plugin.generation();
        if let Some(generation) = &serving {
            generation.breaker().reset();
        }
        Ok(Done { loaded: Loaded::Unchanged, generation: serving.map_or(0, |g| g.number()), notes: Vec::new() })
    }

    /// Writes down that a plugin is quarantined, or that it isn't any more.
    pub(crate) async fn quarantine(
        &self,
        plugin: &Plugin,
        why: Option<String>,
        what: &'static str,
        order: &mut Order,
    ) -> Result<(), Refusal> {
        let before = plugin.view(|v| v.record.clone());
        let next = PluginRecord { quarantined: why.clone(), ..before.clone() };
        let write = Write { plugin: plugin.id(), before: &before, next: Some(&next), what: Some(what), why, about: None };
        write.done(&*self.host.state, order).await.map_err(|e| (Step::Publish, e))?;
        plugin.change(|v| v.record = next);
        Ok(())
    }
}

fn no_version(plugin: &Plugin, to: Option<Digest>) -> Reason {
    let kept = plugin.view(|v| v.record.earlier.iter().map(|k| format!("{} ({})", k.version, k.digest)).collect::<Vec<_>>());
    let wanted = to.map_or_else(|| "earlier version that didn't fail".to_owned(), |digest| format!("version {digest}"));
    let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
    Reason::NoVersion { plugin: plugin.id().clone(), wanted, kept }
}

impl Judged {
    /// What is remembered of a version that ran.
    fn of_version(version: &KeptVersion, fate: Fate, why: String, settings: &Settings) -> Self {
        Self {
            digest: version.digest,
            version: Some(version.version.clone()),
            fate,
            step: None,
            why,
            settings: settings.fingerprint(),
            undecided: Vec::new(),
            adds: Vec::new(),
        }
    }
}
