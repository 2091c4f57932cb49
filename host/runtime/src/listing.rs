//! All that a listing says of a plugin. It costs a few short locks and copies; nothing of it is kept.

use crate::breaker::{BreakerState, BreakerView};
use crate::generation::Generation;
use crate::grant::Grant;
use crate::id::PluginId;
use crate::plugin::Plugin;
use crate::probation::ProbationView;
use crate::record::{Judged, KeptVersion};
use crate::standing::{Stand, Standing};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// All that there is to say of a plugin at one moment.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Its id.
    pub id: PluginId,
    /// Where it stands.
    pub standing: Standing,
    /// Why, where there is something to say.
    pub why: Option<String>,
    /// Whether what it guards is refused while it isn't active.
    pub required: bool,
    /// How often something was published.
    pub generation: u64,
    /// The version that serves, or ran last.
    pub active: Option<KeptVersion>,
    /// Other versions that are kept, the last one first.
    pub earlier: Vec<KeptVersion>,
    /// What its file holds, if that isn't what runs: held, refused, failed or rolled back.
    pub judged: Option<Judged>,
    /// What serves; nothing while the plugin stands aside.
    pub serving: Option<Serving>,
}

/// The generation that serves.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Grants that it asks for and has.
    pub granted: BTreeSet<Grant>,
    /// Grants that it asks for and that were denied.
    pub denied: BTreeSet<Grant>,
    /// Its version is lower than that of the one before.
    pub downgrade: bool,
    /// Its breaker.
    pub breaker: BreakerView,
    /// Its probation, while it lasts.
    pub probation: ProbationView,
    /// The generation itself.
    pub generation: Arc<Generation>,
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation").field("plugin", &self.manifest().id).field("digest", &self.digest()).finish_non_exhaustive()
    }
}

impl Listing {
    pub(crate) fn of(plugin: &Plugin) -> Self {
        let (stand, record, required) = plugin.view(|v| (v.stand.clone(), v.record.clone(), v.required));
        let serving = plugin.generation().map(Serving::of);
        let stand = match serving.as_ref().map(|s| &s.breaker.state) {
            Some(BreakerState::Quarantined { why }) if stand.standing == Standing::Active => Stand::new(Standing::Quarantined, &**why),
            _ => stand,
        };
        Self {
            id: plugin.id().clone(),
            standing: stand.standing,
            why: Some(stand.why).filter(|why| !why.is_empty()),
            required,
            generation: record.generation,
            active: record.active,
            earlier: record.earlier,
            judged: record.judged,
            serving,
        }
    }
}

impl Serving {
    fn of(generation: Arc<Generation>) -> Self {
        let ((granted, denied), now) = (generation.grants(), Instant::now());
        Self {
            granted,
            denied,
            downgrade: generation.is_downgrade(),
            breaker: generation.breaker().view(now),
            probation: generation.probation().map_or(ProbationView::None, |p| p.view(now)),
            generation,
        }
    }
}
