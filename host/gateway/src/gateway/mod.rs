//! The gateway: plugins, their hooks and tools, sessions and turns, put together.
//!
//! Load plugins ([`Gateway::plugins`]), then [start](Gateway::start): what a host before this one didn't end is settled then, and only from then on there are
//! turns. It costs what its parts cost; a session in which nothing happens costs nothing. [Shutting down](Gateway::shutdown) is bounded; a gateway that is dropped without it
//! is one that crashed, and the next one says so in the sessions concerned.

mod behind;
mod heartbeats;
mod live;
mod settings;
mod start;
mod stop;

pub(crate) use live::{Live, Stop, Why};
pub use settings::GatewaySettings;
pub use start::Recovered;

use crate::actions::Actions;
use crate::approvals::Approvals;
use crate::context::Contexts;
use crate::desk::{Binding, Desk, Work};
use crate::hooks::Hooks;
use crate::model::{Models, Voice};
use crate::outbox::Deliveries;
use crate::runs::Runs;
use crate::schedule::Schedule;
use crate::sessions::Lines;
use crate::subagents::{Subagents, SubagentsSettings};
use crate::tools::Tools;
use crate::turn::TurnError;
use plugbay_runtime::engine::{Engine, SetupError};
use plugbay_runtime::state::{SessionStore, StateStore, WorkStore};
use plugbay_runtime::{Plugins, PluginsSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Agents that plugins can steer. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

/// A gateway that may be gone.
pub(crate) struct WeakGateway(Weak<Inner>);

impl WeakGateway {
    pub(crate) fn upgrade(&self) -> Option<Gateway> {
        self.0.upgrade().map(Gateway)
    }
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) plugins: Plugins,
    pub(crate) hooks: Hooks,
    pub(crate) desk: Arc<Desk>,
    pub(crate) approvals: Approvals,
    pub(crate) tools: Tools,
    pub(crate) agent: Agent,
    pub(crate) contexts: Contexts,
    pub(crate) actions: Actions,
    pub(crate) lines: Lines,
    pub(crate) live: Live,
    pub(crate) subagents: Subagents,
    /// Sessions with something that happened since the start: they are told when the host stops.
    pub(crate) used: Mutex<BTreeSet<String>>,
    /// Turns, and ends of sessions: a host that stops waits for them.
    pub(crate) turns: TaskTracker,
    heartbeats: BTreeMap<String, Duration>,
    heartbeat_prompt: String,
    started: tokio::sync::OnceCell<()>,
    /// Jobs are run.
    scheduled: tokio::sync::OnceCell<()>,
    /// No new turns.
    pub(crate) closing: CancellationToken,
    _binding: Binding,
}

/// What every turn goes by.
pub(crate) struct Agent {
    pub(crate) models: Models,
    pub(crate) system_prompt: Option<String>,
    pub(crate) rounds: NonZeroUsize,
    history_tokens: u64,
    pub(crate) waiting: usize,
    pub(crate) subagents: SubagentsSettings,
}

impl Agent {
    /// Who answers when nobody asks for another.
    pub(crate) fn voice(&self) -> Voice {
        let model = self.models.default_provider().clone();
        Voice { name: model.default_model().to_owned(), model, thinking: None }
    }

    /// Tokens that this model is given at most.
    pub(crate) fn limit(&self, voice: &Voice) -> u64 {
        let Voice { model, name, .. } = voice;
        self.history_tokens.min(model.window(name).saturating_sub(model.reserve(name)))
    }
}

/// Why there is no gateway.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Plugins can't be run.
    #[error(transparent)]
    Plugins(#[from] SetupError),
    /// A session whose agent can't be woken like that.
    #[error(
        "the agent of the session {session:?} is to be woken every {every:?} (setting `agent.heartbeats`): expected a time that a clock can keep"
    )]
    Heartbeat {
        /// The session.
        session: String,
        /// How often.
        every: Duration,
    },
    /// A defect of this crate.
    #[error("the desk of a gateway was bound to other plugins")]
    Bound,
}

impl Gateway {
    /// A gateway on this state. No plugins yet, and no turns before it [starts](Self::start).
    ///
    /// # Errors
    /// If plugins can't be run, or a heartbeat is no time.
    pub fn new<S: StateStore + SessionStore + WorkStore + 'static>(
        engine: Engine,
        state: Arc<S>,
        settings: GatewaySettings,
    ) -> Result<Self, GatewayError> {
        heartbeats::check(&settings.heartbeats)?;
        let GatewaySettings { plugins, hooks, approvals, models, .. } = settings;
        let store: Arc<dyn SessionStore> = state.clone();
        let work =
            Work { schedule: Schedule::new(state.clone(), settings.schedule), deliveries: Deliveries::new(state.clone(), settings.outbox) };
        let desk = Arc::new(Desk::with(store.clone(), work));
        let plugins = Plugins::with(engine, state, PluginsSettings { services: desk.clone(), ..plugins })?;
        let hooks = Hooks::new(plugins.clone(), hooks);
        let binding = desk.bind(plugins.clone(), hooks.clone()).ok_or(GatewayError::Bound)?;
        let approvals = Approvals::new(store.clone(), hooks.clone(), approvals);
        let contexts = Contexts::new(plugins.clone(), hooks.clone(), store.clone(), settings.context_engine);
        let agent = Agent {
            models,
            system_prompt: settings.system_prompt,
            rounds: settings.rounds,
            history_tokens: u64::try_from(settings.history_tokens.get()).unwrap_or(u64::MAX),
            waiting: settings.waiting,
            subagents: settings.subagents,
        };
        let gateway = Self(Arc::new(Inner {
            tools: Tools::new(plugins.clone(), hooks.clone(), approvals.clone()),
            actions: Actions::new(plugins.clone()),
            store,
            plugins,
            hooks,
            desk,
            approvals,
            agent,
            contexts,
            lines: Lines::default(),
            live: Live::default(),
            subagents: Subagents::default(),
            used: Mutex::default(),
            turns: TaskTracker::new(),
            heartbeats: settings.heartbeats,
            heartbeat_prompt: settings.heartbeat_prompt,
            started: tokio::sync::OnceCell::new(),
            scheduled: tokio::sync::OnceCell::new(),
            closing: CancellationToken::new(),
            _binding: binding,
        }));
        gateway.0.desk.serves(&gateway);
        Ok(gateway)
    }

    pub(crate) fn downgrade(&self) -> WeakGateway {
        WeakGateway(Arc::downgrade(&self.0))
    }

    /// The plugins.
    #[must_use]
    pub fn plugins(&self) -> &Plugins {
        &self.0.plugins
    }

    /// Their hooks, also for those who have an agent loop of their own.
    #[must_use]
    pub fn hooks(&self) -> &Hooks {
        &self.0.hooks
    }

    /// Their tools.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.0.tools
    }

    /// What people can have them do.
    #[must_use]
    pub fn actions(&self) -> &Actions {
        &self.0.actions
    }

    /// What they have the host do later.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        self.0.desk.schedule()
    }

    /// What they have handed over.
    #[must_use]
    pub fn deliveries(&self) -> &Deliveries {
        self.0.desk.deliveries()
    }

    /// The questions that they ask people.
    #[must_use]
    pub fn approvals(&self) -> &Approvals {
        &self.0.approvals
    }

    /// What plugins reach through the host.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// Runs that are under way, also for those who have an agent loop of their own.
    #[must_use]
    pub fn runs(&self) -> &Runs {
        self.0.desk.runs()
    }

    /// Who decides what the model sees of a conversation.
    #[must_use]
    pub fn contexts(&self) -> &Contexts {
        &self.0.contexts
    }

    /// Who answers.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.0.agent.models
    }

    /// Cancels a turn, whether it runs or waits. Whether there was one. What it is at ends as soon as it can be: the model isn't heard any further, a question to a person is
    /// cancelled, and a tool comes to its end with nobody waiting for it.
    #[must_use]
    pub fn cancel(&self, run: &str) -> bool {
        self.0.live.cancel(run)
    }

    /// Runs of turns that are under way or wait.
    #[must_use]
    pub fn live(&self) -> Vec<Arc<str>> {
        self.0.live.runs()
    }
}

impl Inner {
    /// Does this to its end, though the caller may stop waiting for it.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, TurnError>> + Send + 'static,
    ) -> Result<T, TurnError> {
        self.turns.spawn(work).await.unwrap_or_else(|e| Err(TurnError::Failed(format!("the host failed: {e}"))))
    }

    /// Whether there are turns now.
    pub(crate) fn open(&self) -> Result<(), TurnError> {
        match () {
            () if self.closing.is_cancelled() => Err(TurnError::Stopping),
            () if !self.started.initialized() => Err(TurnError::NotStarted),
            () => Ok(()),
        }
    }
}
