//! Bringing a plugin to what is wanted of it: its file, its settings, whether it runs at all.
//!
//! All changes of one plugin happen one after the other, each on a task of its own, so that what was begun comes to its end whoever waits for it. A component
//! that was refused is remembered and left alone until it, or what it was refused for, changes, or somebody asks.

use crate::error::{Done, LoadError, Loaded, Reason, Step};
use crate::generation::Generation;
use crate::grant::Grant;
use crate::order::{Order, Retry};
use crate::plugin::Plugin;
use crate::prepare::{Examined, Refusal, Verified, examine};
use crate::record::{Fate, Judged, PluginRecord};
use crate::settings::Settings;
use crate::source::Source;
use crate::standing::{Stand, Standing};
use crate::swap::{Swap, What, Yard};
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use crate::write::Write;
use plugbay_engine::Digest;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What is wanted of a plugin.
pub struct Wanted {
    /// Its file; nothing: what ran last, from the kept versions.
    pub source: Option<Source>,
    /// What it is to run with.
    pub settings: Settings,
    /// Whether it is to run; if not, why.
    pub runs: Result<(), String>,
    /// Whether what ran last will do if the file's component is refused. If not, it is as if it had never been tried, unless it is held.
    pub or_kept: bool,
}

impl Wanted {
    /// This component, with these settings.
    #[must_use]
    pub const fn running(source: Source, settings: Settings) -> Self {
        Self { source: Some(source), settings, runs: Ok(()), or_kept: true }
    }
}

/// How a plugin leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// It doesn't serve, and nothing of it is deleted.
    ForNow,
    /// The operator switched it off: what waits for it goes.
    Off,
    /// It was uninstalled.
    ForGood,
}

impl Yard {
    /// Brings a plugin to what is wanted. For who has its turn.
    pub(crate) async fn apply(&self, plugin: &Plugin, wanted: Wanted, order: &mut Order) -> Result<Done, LoadError> {
        let Wanted { source, settings, runs, or_kept } = wanted;
        let name = source.as_ref().map_or_else(|| PathBuf::from(format!("{}.wasm", plugin.id())), |s| s.name().to_owned());
        let at = |refusal: Refusal| refusal.reason.at(&name, refusal.step);
        plugin.change(|v| v.required = settings.requires());
        if let Err(why) = runs {
            let stand = Stand::new(Standing::Disabled, why);
            let aside = self.stand_aside(plugin, stand, Some("disable"), order).await;
            plugin.change(|v| v.settings = settings);
            return aside.map_err(at);
        }
        let mut refused = match self.try_file(plugin, source, &settings, order).await {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => None,
            Err((refusal, tried)) => {
                if let Some(judged) = tried.filter(|_| refusal.step != Step::Publish && (or_kept || refusal.is_held())) {
                    self.note_refusal(plugin, judged, order).await;
                }
                Some(refusal)
            }
        };
        // Where the host can't write what it does, it does nothing.
        if let Some(refusal) = refused.take_if(|refusal| !or_kept || refusal.step == Step::Publish) {
            if refusal.is_held() {
                self.mark_aside(plugin, &refusal);
            }
            return Err(at(refusal));
        }
        let kept = self.keep_going(plugin, &settings, order, refused.as_ref()).await;
        match (refused, kept) {
            // What ran last runs again, or with other settings: that is done.
            (Some(refusal), Ok(mut done)) if matches!(done.loaded, Loaded::Installed | Loaded::Replaced { .. }) => {
                done.notes.push(format!("the file's component doesn't run: {}", refusal.words()));
                Ok(done)
            }
            (Some(refusal), Ok(_)) => Err(at(refusal)),
            (Some(refusal), Err(other)) => {
                tracing::warn!(plugin = %plugin.id(), "what ran last doesn't take its settings either: {}", at(other));
                Err(at(refusal))
            }
            (None, kept) => kept.map_err(at),
        }
    }

    /// Lets the file's component serve. Nothing, if there is none, or if it would only be refused again. A refusal comes with what is to be remembered of
    /// it, if the component could be read.
    async fn try_file(
        &self,
        plugin: &Plugin,
        source: Option<Source>,
        settings: &Settings,
        order: &mut Order,
    ) -> Result<Option<Done>, (Refusal, Option<Judged>)> {
        let Some(source) = source else { return Ok(None) };
        let examined = examine(&self.host.engine, source, Some(plugin.id().clone())).await;
        let Examined { digest, verified } = examined.map_err(|refusal| (refusal, None))?;
        if let Ok(verified) = &verified {
            plugin.learn(&verified.surface);
        }
        let fingerprint = settings.fingerprint();
        if plugin.view(|v| v.record.rests(digest, &fingerprint)).is_some_and(|fate| order.retry < fate.needs()) {
            return Ok(None);
        }
        let known = verified.as_ref().ok().map(|v| (v.manifest.version.clone(), v.surface.grants()));
        let swapped = match verified {
            Ok(verified) => {
                let swap = Swap { verified, settings: settings.clone(), saved: None, what: What::Load, judged: None };
                self.swap(plugin, swap, order).await
            }
            Err(refusal) => Err(refusal),
        };
        swapped.map(Some).map_err(|refusal| {
            let judged = judged(plugin, digest, known, settings, &refusal);
            (refusal, Some(judged))
        })
    }

    /// What ran last goes on, with these settings: from the kept versions, if it doesn't run any more.
    async fn keep_going(
        &self,
        plugin: &Plugin,
        settings: &Settings,
        order: &mut Order,
        refused: Option<&Refusal>,
    ) -> Result<Done, Refusal> {
        let serving = plugin.generation();
        let unchanged = |loaded, generation| Ok(Done { loaded, generation, notes: Vec::new() });
        if let Some(same) = serving.as_ref().filter(|g| g.settings() == settings) {
            return unchanged(Loaded::Unchanged, same.number());
        }
        let (active, judged) = plugin.view(|v| (v.record.digest(), v.record.judged.clone()));
        let Some(active) = active else {
            let (standing, why) = aside(judged.as_ref(), refused);
            plugin.change(|v| v.stand = Stand::new(standing, why));
            return unchanged(Loaded::Aside, 0);
        };
        let rests = judged.as_ref().is_some_and(|j| j.digest == active && j.rests(active, &settings.fingerprint(), Some(active)));
        let loses = |g: &Generation| taken_away(g.settings(), settings, &g.surface().grants()).next().is_some();
        if let Some(same) = serving.as_ref().filter(|g| rests && order.retry < Retry::Refused && !loses(g)) {
            return unchanged(Loaded::Unchanged, same.number());
        }
        let went = self.run_kept(plugin, active, settings, judged.filter(|j| j.digest != active), order).await;
        if let Err(refusal) = &went
            && serving.is_none_or(|g| loses(&g))
        {
            let standing = if refusal.is_held() { Standing::Held } else { Standing::Failed };
            self.leave(plugin, Stand::new(standing, refusal.words()), DeactivationReason::Disable, Left::ForNow).await;
        }
        went
    }

    /// A plugin that never ran, and whose component was refused, stands there as that.
    fn mark_aside(&self, plugin: &Plugin, refusal: &Refusal) {
        if plugin.generation().is_none() && plugin.view(|v| v.record.active.is_none()) {
            let (standing, why) = aside(None, Some(refusal));
            plugin.change(|v| v.stand = Stand::new(standing, why));
        }
    }

    /// Runs a kept version.
    async fn run_kept(
        &self,
        plugin: &Plugin,
        digest: Digest,
        settings: &Settings,
        judged: Option<Judged>,
        order: &mut Order,
    ) -> Result<Done, Refusal> {
        let verified = self.kept(plugin, digest).await?;
        self.swap(plugin, Swap { verified, settings: settings.clone(), saved: None, what: What::Load, judged }, order).await
    }

    pub(crate) async fn kept(&self, plugin: &Plugin, digest: Digest) -> Result<Verified, Refusal> {
        let versions = self.versions.clone();
        let bytes =
            tokio::task::spawn_blocking(move || versions.load(digest)).await.map_err(|e| (Step::Read, Reason::Host(e.to_string())))?;
        let bytes = bytes.map_err(|e| (Step::Read, e.into()))?;
        let source = Source::bytes(format!("{digest}.wasm"), bytes);
        let verified = examine(&self.host.engine, source, Some(plugin.id().clone())).await?.verified?;
        plugin.learn(&verified.surface);
        Ok(verified)
    }

    /// Remembers a component that was refused. What it is refused for is told to who asked; a state that can't remember it is logged.
    async fn note_refusal(&self, plugin: &Plugin, judged: Judged, order: &mut Order) {
        let before = plugin.view(|v| v.record.clone());
        let again = before.judged.as_ref().is_some_and(|j| j.digest == judged.digest && j.fate == judged.fate && j.why == judged.why);
        let what = if judged.fate == Fate::Held { "held" } else { "refused" };
        let next = PluginRecord { judged: Some(judged.clone()), ..before.clone() };
        let (why, about) = (Some(judged.why.clone()), Some(judged.digest));
        let mut order = Order { alongside: None, why: order.why.clone(), who: order.who.clone(), ..*order };
        let write = Write { plugin: plugin.id(), before: &before, next: Some(&next), what: (!again).then_some(what), why, about };
        match write.done(&*self.host.state, &mut order).await {
            Ok(()) => plugin.change(|v| v.record = next),
            Err(e) => tracing::warn!(plugin = %plugin.id(), "that a component was refused isn't remembered: {e}"),
        }
    }

    /// Nothing of the plugin serves from now on; nothing of it is deleted.
    pub(crate) async fn stand_aside(
        &self,
        plugin: &Plugin,
        stand: Stand,
        what: Option<&'static str>,
        order: &mut Order,
    ) -> Result<Done, Refusal> {
        // What waits for a plugin that was switched off goes; at a start once more, if it was left there.
        let is_off = stand.standing == Standing::Disabled;
        let (record, there) = plugin.view(|v| (v.record.clone(), v.stand.clone()));
        let what = what.filter(|_| there.standing != stand.standing && !order.boot);
        if what.is_some() || order.alongside.is_some() {
            let write = Write { plugin: plugin.id(), before: &record, next: Some(&record), what, why: None, about: None };
            write.done(&*self.host.state, order).await.map_err(|e| (Step::Publish, e))?;
        }
        let left = if is_off && (there.standing != Standing::Disabled || order.boot) { Left::Off } else { Left::ForNow };
        let note = self.leave(plugin, stand, DeactivationReason::Disable, left).await;
        Ok(Done { loaded: Loaded::Aside, generation: record.generation, notes: note.into_iter().collect() })
    }

    /// Ends what serves: first for callers, then what waits for it elsewhere, then the plugin itself is told. What an operator should know of it.
    pub(crate) async fn leave(&self, plugin: &Plugin, stand: Stand, reason: DeactivationReason, left: Left) -> Option<String> {
        let old = plugin.generation();
        plugin.change(|v| {
            v.stand = stand;
            v.before = None;
            v.exports = old.as_ref().map(|old| old.surface().exports.clone()).or(v.exports.take());
        });
        plugin.publish(None);
        if let Some(old) = &old {
            old.close(reason);
        }
        let note = self.clear(plugin, left).await;
        if let Some(old) = old {
            let drain = old.settings().drain;
            old.retire(drain);
        }
        note
    }

    /// Has removed what waits for a plugin that is off or gone.
    async fn clear(&self, plugin: &Plugin, left: Left) -> Option<String> {
        let uninstalled = match left {
            Left::ForNow => return None,
            Left::Off => false,
            Left::ForGood => true,
        };
        let error = self.host.services.left(plugin.id(), uninstalled).await.err()?;
        let note = format!("what waits for plugin `{}` in sessions couldn't be removed: {error}", plugin.id());
        tracing::error!("{note}");
        Some(note)
    }
}

/// What is remembered of a component that was refused.
fn judged(
    plugin: &Plugin,
    digest: Digest,
    known: Option<(semver::Version, BTreeSet<Grant>)>,
    settings: &Settings,
    refusal: &Refusal,
) -> Judged {
    let (version, asks) = known.unzip();
    let asks = asks.unwrap_or_default();
    let had: BTreeSet<_> = plugin.generation().map(|g| g.surface().grants()).unwrap_or_default();
    let fate = if refusal.is_held() { Fate::Held } else { Fate::Refused };
    let undecided = match &refusal.reason {
        Reason::Undecided { undecided, .. } => undecided.iter().map(|g| g.name().to_owned()).collect(),
        _ => Vec::new(),
    };
    Judged {
        digest,
        version,
        fate,
        step: Some(refusal.step),
        why: refusal.words(),
        settings: settings.fingerprint(),
        undecided,
        adds: asks.difference(&had).map(|g| g.name().to_owned()).collect(),
    }
}

/// What a plugin may do now and not with other settings. Then what serves can't go on with what it has, whatever the other settings are refused for.
pub(crate) fn taken_away(now: &Settings, wanted: &Settings, asks: &BTreeSet<Grant>) -> impl Iterator<Item = Grant> {
    asks.iter().copied().filter(|grant| now.grants.has(*grant) && !wanted.grants.has(*grant))
}

/// Where a plugin stands that never ran, and doesn't.
fn aside(judged: Option<&Judged>, refused: Option<&Refusal>) -> (Standing, String) {
    match (refused, judged) {
        (Some(refusal), _) if refusal.is_held() => (Standing::Held, refusal.words()),
        (Some(refusal), _) => (Standing::Failed, refusal.words()),
        (None, Some(judged)) if judged.fate == Fate::Held => (Standing::Held, judged.why.clone()),
        (None, Some(judged)) => (Standing::Failed, judged.why.clone()),
        (None, None) => (Standing::Missing, "there is no file of it".to_owned()),
    }
}

impl Refusal {
    /// Whether it waits for somebody to decide, or to ask again.
    const fn is_held(&self) -> bool {
        self.reason.is_held()
    }

    /// The step and the reason, in one sentence.
    fn words(&self) -> String {
        format!("refused at step `{}`: {}", self.step, crate::error::plain(&self.reason))
    }
}
