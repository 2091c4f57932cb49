//! A generation that is held for a turn, so that what a plugin means stays the same until the turn is over.
//!
//! As long as the generation serves, a call of a [`Pinned`] is a usual call. After a swap it gets an extra cell of the generation that was pinned. Holding one costs a
//! reference and keeps no cells. It doesn't outlive a decision of the operator's: where the plugin was switched off, or may do less than the generation that is
//! held, calls are refused.

use crate::apply::taken_away;
use crate::call::Call;
use crate::generation::Generation;
use crate::hook::{Fired, Hook};
use crate::plugin::Plugin;
use crate::serve::{Answered, Asking, Meant};
use plugbay_engine::{CallError, Unserved};
use std::fmt;
use std::sync::Arc;

/// One generation of a plugin, held. Cheap to clone.
#[derive(Clone)]
pub struct Pinned {
    plugin: Arc<Plugin>,
    generation: Arc<Generation>,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("plugin", self.plugin.id()).field("generation", &self.generation.number()).finish()
    }
}

impl Plugin {
    /// Holds the generation that serves now; none, while none does.
    #[must_use]
    pub fn pin(self: &Arc<Self>) -> Option<Pinned> {
        Some(Pinned { plugin: self.clone(), generation: self.generation()? })
    }
}

impl Pinned {
    /// The plugin.
    #[must_use]
    pub const fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// Whether this and another hold the same generation. Numbers begin anew with a plugin that was uninstalled; this tells also those apart.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.generation, &other.generation)
    }

    /// The generation that is held.
    #[must_use]
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Calls a hook's handler in this generation, as [`Plugin::serve`] does in the one that serves.
    pub async fn serve<H: Hook>(&self, call: &Call, event: &Fired<H>) -> Answered<H::Outcome> {
        match self.may_serve() {
            Ok(()) => self.generation.clone().call(&mut Asking::new(), call, event, Meant::This).await,
            Err(refused) => self.generation.answered(Err(refused)),
        }
    }

    /// The same in a cell of its own, beside whatever the plugin's others are at: it waits for none of them, and none of them for it. There are few of these at a time; where none is
    /// left, the call is refused.
    pub async fn serve_aside<H: Hook>(&self, call: &Call, event: &Fired<H>) -> Answered<H::Outcome> {
        match self.may_serve() {
            Ok(()) => self.generation.clone().call_beside(call, event).await,
            Err(refused) => self.generation.answered(Err(refused)),
        }
    }

    /// Whether the operator still lets the plugin do what this generation may.
    fn may_serve(&self) -> Result<(), CallError> {
        let Some(now) = self.plugin.generation() else { return Err(self.plugin.closed()) };
        if Arc::ptr_eq(&now, &self.generation) {
            return Ok(());
        }
        let lost: Vec<_> = taken_away(self.generation.settings(), now.settings(), &self.generation.surface().grants()).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let (plugin, lost) = (self.plugin.id(), lost.iter().map(|grant| format!("`{grant}`")).collect::<Vec<_>>().join(", "));
        let number = self.generation.number();
        let why = format!(
            "generation {number} of plugin `{plugin}` was replaced, and {lost} was taken away (setting `plugins.{plugin}.grants`): the next turn gets what serves now"
        );
        Err(Unserved::Closed { code: "replaced", why }.into())
    }
}
