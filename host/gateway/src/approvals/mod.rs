//! Approvals: questions of plugins to people, asked before a tool is called.
//!
//! A question waits in memory and, so that a host that starts again can say what became of it, in the state. No answer means no: when its time is over,
//! when the turn ends, when the host stops, when nobody can be asked. It is settled once; the plugin that asked is told how, and so is whoever watches.
//! Asking costs two commits and the time of a person; nothing else waits for it. At most [`ApprovalsSettings::pending`] wait at the same time.

mod question;
mod waiting;

pub use question::{ApprovalAnswer, ApprovalEvent, PendingApproval, ResolveError, Settled, Wanted};

use crate::hooks::Hooks;
use crate::runs::now;
use plugbay_runtime::state::{Question, SessionStore};
use plugbay_runtime::{ApprovalEnd, Approvals as ApprovalsHook, Call, PluginId, Resolution};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::{Semaphore, broadcast, oneshot};
use uuid::Uuid;
use waiting::{Verdict, Waiting};

/// Events that one who watches may be behind.
const BEHIND: usize = 256;

/// Whether people are asked, and how many questions may wait.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalsSettings {
    /// Whether there is anybody who answers (setting `agent.approvals`). Otherwise each question is a no at once.
    pub asked: bool,
    /// Questions that may wait at the same time (setting `agent.approvals-pending`).
    pub pending: NonZeroUsize,
}

impl Default for ApprovalsSettings {
    fn default() -> Self {
        Self { asked: true, pending: NonZeroUsize::MIN.saturating_add(255) }
    }
}

/// Questions to people. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Approvals(Arc<Inner>);

struct Inner {
    store: Arc<dyn SessionStore>,
    hooks: Hooks,
    settings: ApprovalsSettings,
    places: Semaphore,
    waiting: Waiting,
    events: broadcast::Sender<ApprovalEvent>,
}

impl Approvals {
    /// Nobody asks anything yet.
    #[must_use]
    pub fn new(store: Arc<dyn SessionStore>, hooks: Hooks, settings: ApprovalsSettings) -> Self {
        let places = Semaphore::new(settings.pending.get().min(Semaphore::MAX_PERMITS));
        Self(Arc::new(Inner { store, hooks, settings, places, waiting: Waiting::default(), events: broadcast::channel(BEHIND).0 }))
    }

    /// The questions that wait, oldest first.
    #[must_use]
    pub fn pending(&self) -> Vec<Arc<PendingApproval>> {
        self.0.waiting.all()
    }

    /// Questions as they come and go, from now on. Who is told that it has lagged behind reads [`Approvals::pending`] again.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<ApprovalEvent> {
        self.0.events.subscribe()
    }

    /// Answers a question.
    ///
    /// # Errors
    /// If it doesn't wait any more, or takes no such answer.
    pub fn resolve(&self, id: &str, answer: ApprovalAnswer, by: &str) -> Result<(), ResolveError> {
        self.0.waiting.answer(id, answer, by)
    }

    /// The host stops: what waits is cancelled, and so is what is still asked.
    pub fn stop(&self) {
        self.0.waiting.stop();
    }

    /// Asks, and waits until the question is settled. Who stops waiting cancels it.
    pub async fn ask(&self, wanted: Wanted) -> Settled {
        let refused = |why: String| Settled {
            id: None,
            plugin: wanted.plugin.to_string(),
            title: wanted.approval.title.clone(),
            resolution: Resolution::Deny,
            by: None,
            why: Some(why),
        };
        if !self.0.settings.asked {
            return self.unasked(&wanted, refused("nobody can be asked here (setting `agent.approvals` is `off`)".to_owned()));
        }
        let Ok(_place) = self.0.places.try_acquire() else {
            let most = self.0.settings.pending;
            return self.unasked(
                &wanted,
                refused(format!("{most} questions wait for an answer already, {most} allowed (setting `agent.approvals-pending`)")),
            );
        };
        let question = Arc::new(PendingApproval::new(Uuid::new_v4().to_string().into(), now(), &wanted));
        let asked = Asked { approvals: self.clone(), wanted, question, over: false };
        asked.settled().await
    }

    /// Tells a plugin about its question that was denied before anybody saw it.
    fn unasked(&self, wanted: &Wanted, settled: Settled) -> Settled {
        let told = Told { id: "", tool: &wanted.tool, call_id: wanted.call_id.as_deref(), call: call(wanted) };
        self.tell(&wanted.plugin, told, &settled);
        settled
    }

    /// A host that starts found this question of a turn that its predecessor didn't end: its plugin is told that it is cancelled, and why.
    pub fn abandoned(&self, question: &Question, why: &str) {
        let body: serde_json::Value = serde_json::from_str(&question.body).unwrap_or_default();
        let text = |field: &str| body.get(field).and_then(serde_json::Value::as_str);
        let settled = Settled {
            id: Some(question.id.as_str().into()),
            plugin: question.plugin.clone(),
            title: text("title").unwrap_or_default().to_owned(),
            resolution: Resolution::Cancelled,
            by: None,
            why: Some(why.to_owned()),
        };
        let mut call = Call::new();
        if let Some(run) = &question.run {
            call = call.run(run.as_str());
        }
        tracing::warn!(plugin = question.plugin, question = question.id, why, "a question was never answered: that is a no");
        if let Ok(plugin) = PluginId::try_from(question.plugin.clone()) {
            let told = Told { id: &question.id, tool: text("tool").unwrap_or_default(), call_id: text("call-id"), call };
            self.tell(&plugin, told, &settled);
        }
        self.0.waiting.remember(Arc::new(settled));
    }

    fn tell(&self, plugin: &PluginId, told: Told<'_>, settled: &Settled) {
        let why = settled.why.as_ref().and_then(|why| plugbay_runtime::Json::from_value(&why.as_str().into()).ok());
        let event = ApprovalEnd {
            id: told.id.to_owned(),
            title: settled.title.clone(),
            tool_name: told.tool.to_owned(),
            tool_call_id: told.call_id.map(str::to_owned),
            resolution: settled.resolution,
            by: settled.by.clone(),
            attrs: why.map(|why| ("why".to_owned(), why)).into_iter().collect(),
        };
        self.0.hooks.tell_one::<ApprovalsHook>(plugin, &told.call, event);
    }
}

/// What a plugin is told about its question, besides how it was settled.
struct Told<'a> {
    id: &'a str,
    tool: &'a str,
    call_id: Option<&'a str>,
    call: Call,
}

fn call(wanted: &Wanted) -> Call {
    let mut call = Call::new();
    if let Some(session) = &wanted.session {
        call = call.session(session.clone());
    }
    match &wanted.run {
        Some(run) => call.run(run.clone()),
        None => call,
    }
}

/// A question that is being asked. Dropped before it is over, it is cancelled.
struct Asked {
    approvals: Approvals,
    wanted: Wanted,
    question: Arc<PendingApproval>,
    over: bool,
}

impl Asked {
    async fn settled(mut self) -> Settled {
        let verdict = self.verdict().await;
        if let Err(error) = self.approvals.0.store.answered(&self.question.id).await {
            tracing::warn!(question = %self.question.id, %error, "a settled question can't be taken from the state: it is reported again when the host starts");
        }
        self.over = true;
        self.conclude(&verdict)
    }

    /// Asks, and waits for an answer, for its time to be over, or for the end of the host.
    async fn verdict(&self) -> Verdict {
        if let Err(error) = self.approvals.0.store.ask(self.kept()).await {
            return Verdict::without(Resolution::Deny, format!("the question can't be kept: {error}"));
        }
        let (sender, answer) = oneshot::channel();
        if !self.approvals.0.waiting.add(self.question.clone(), sender) {
            return Verdict::stopping();
        }
        // Who isn't watched by anybody waits all the same: a person may list what is pending.
        drop(self.approvals.0.events.send(ApprovalEvent::Asked(self.question.clone())));
        self.answer(answer).await
    }

    async fn answer(&self, mut answer: oneshot::Receiver<Verdict>) -> Verdict {
        let patience = self.wanted.approval.patience;
        if let Ok(verdict) = tokio::time::timeout(patience, &mut answer).await {
            return verdict.unwrap_or_else(|_| Verdict::stopping());
        }
        if self.approvals.0.waiting.withdraw(&self.question.id) {
            return Verdict::without(Resolution::TimedOut, format!("nobody answered within {patience:?}"));
        }
        // Somebody answered in the same instant.
        answer.try_recv().unwrap_or_else(|_| Verdict::stopping())
    }

    fn kept(&self) -> Question {
        Question {
            id: self.question.id.to_string(),
            plugin: self.question.plugin.clone(),
            session: self.question.session.clone(),
            run: self.question.run.as_deref().map(str::to_owned),
            body: serde_json::to_string(&*self.question).unwrap_or_default(),
            asked_at: self.question.asked_at,
        }
    }

    /// Tells everybody.
    fn conclude(&self, verdict: &Verdict) -> Settled {
        let settled = Settled::new(&self.question, verdict);
        tracing::info!(question = %self.question.id, plugin = settled.plugin, resolution = ?settled.resolution, by = settled.by, "a question was settled");
        let shared = Arc::new(settled.clone());
        self.approvals.0.waiting.remember(shared.clone());
        drop(self.approvals.0.events.send(ApprovalEvent::Settled(shared)));
        let Wanted { tool, call_id, plugin, .. } = &self.wanted;
        let told = Told { id: &self.question.id, tool, call_id: call_id.as_deref(), call: call(&self.wanted) };
        self.approvals.tell(plugin, told, &settled);
        settled
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.approvals.0.waiting.withdraw(&self.question.id);
        self.conclude(&Verdict::without(Resolution::Cancelled, "the turn ended before anybody answered".to_owned()));
        let (store, id) = (self.approvals.0.store.clone(), self.question.id.clone());
        // Without a tokio runtime the host is gone, and says so when it starts again.
        if let Ok(background) = tokio::runtime::Handle::try_current() {
            background.spawn(async move {
                store.answered(&id).await.map_err(|error| tracing::warn!(question = %id, %error, "not taken from the state"))
            });
        }
    }
}
