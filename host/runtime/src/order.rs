//! Who wants a change, and why: what the history will say of it.

use plugbay_state::DocumentChange;

/// What of the components that rest is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retry {
    /// Nothing: a file that is merely still there is no reason to.
    Nothing,
    /// What was held or refused on its way: somebody who asks may have mended the reason.
    Refused,
    /// What failed on probation or was rolled back, too: somebody means just that component.
    Everything,
}

/// A change that somebody asked for.
pub struct Order {
    /// Who: an operator by the name of the token, the watched directory, the host itself.
    pub who: String,
    /// Why, in their words.
    pub why: Option<String>,
    /// What of that which rests is tried again.
    pub retry: Retry,
    /// Whether the host is starting: the plugin was there before.
    pub boot: bool,
    /// Whether a component is installed without asking those who may refuse it ([`Services::may_install`](crate::Services::may_install)). The history says so.
    pub skip_gates: bool,
    /// What else changes in the same step.
    pub alongside: Option<Box<dyn Alongside>>,
}

impl Order {
    /// An order of somebody who wants it done, though it was refused before.
    #[must_use]
    pub fn by(who: impl Into<String>) -> Self {
        Self { who: who.into(), why: None, retry: Retry::Refused, boot: false, skip_gates: false, alongside: None }
    }

    /// An order of nobody in particular, which lets rest what was refused before.
    #[must_use]
    pub fn automatic(who: impl Into<String>) -> Self {
        Self { retry: Retry::Nothing, ..Self::by(who) }
    }

    /// Of somebody who means this component, though it failed or was rolled back.
    #[must_use]
    pub fn insisting(self) -> Self {
        Self { retry: Retry::Everything, ..self }
    }

    /// The host is starting.
    #[must_use]
    pub fn boot() -> Self {
        Self { boot: true, ..Self::automatic("host") }
    }

    /// Without asking those who may refuse a component.
    #[must_use]
    pub fn skipping_gates(self) -> Self {
        Self { skip_gates: true, ..self }
    }

    /// With a reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Together with a change of the embedder's own.
    #[must_use]
    pub fn with(mut self, alongside: impl Alongside + 'static) -> Self {
        self.alongside = Some(Box::new(alongside));
        self
    }
}

/// A change of the embedder's own that is made with a plugin's, or not at all: of a settings file, for example.
///
/// What can fail in it should have been done before. The host writes its own record together with [`Alongside::documents`] first, then calls
/// [`Alongside::commit`]; if that fails it takes the record back, and the plugin stays as it was.
pub trait Alongside: Send + Sync {
    /// What the state is to remember in the same transaction: an intent, for the case that the host dies before [`Alongside::commit`].
    fn documents(&self) -> Vec<DocumentChange>;

    /// Makes the change.
    ///
    /// # Errors
    /// In words for an operator. Nothing is changed then.
    fn commit(self: Box<Self>) -> Result<(), String>;
}
