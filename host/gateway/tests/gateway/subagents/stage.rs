//! A gateway whose model answers when it is let, and plugins that have subagents: what they are told to do is a tool call of a turn.

use crate::turns::stage::{Stage, settings};
use futures_util::{StreamExt, stream};
use plugbay_gateway::model::{Model, ModelMessage, ModelRequest, ModelStream, Models, OfflineModel};
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::runtime::{Grant, Grants, Plugin, Settings};
use plugbay_gateway::{GatewaySettings, SubagentsSettings, Turn};
use plugbay_guests::crews;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::{Semaphore, watch};

/// The offline model; where it is told `held`, it answers when it is let.
#[derive(Clone)]
pub(crate) struct Held {
    offline: OfflineModel,
    waiting: watch::Sender<usize>,
    let_go: Arc<Semaphore>,
}

/// One answer that is held. Dropped when it goes on, and when nobody wants it any more.
struct One(watch::Sender<usize>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl Held {
    fn new() -> Self {
        Self { offline: OfflineModel::default(), waiting: watch::Sender::new(0), let_go: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until so many answers are held.
    pub(crate) async fn holds(&self, answers: usize) {
        self.waiting.subscribe().wait_for(|waiting| *waiting == answers).await.unwrap();
    }

    /// Lets so many go on, now or later.
    pub(crate) fn lets_go(&self, answers: usize) {
        self.let_go.add_permits(answers);
    }
}

impl Model for Held {
    fn provider(&self) -> &str {
        self.offline.provider()
    }

    fn default_model(&self) -> &str {
        self.offline.default_model()
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        let held = |message: &ModelMessage| matches!(message, ModelMessage::User { text } if text.starts_with("held"));
        let last = request.messages.iter().rfind(|message| matches!(message, ModelMessage::User { .. }));
        let (here, is_held, answer) = (self.clone(), last.is_some_and(held), self.offline.stream(request));
        let wait = async move {
            if is_held {
                here.waiting.send_modify(|waiting| *waiting += 1);
                let _one = One(here.waiting.clone());
                here.let_go.acquire().await.unwrap().forget();
            }
            answer
        };
        Box::pin(stream::once(wait).flatten())
    }
}

/// A gateway with crews.
pub(crate) struct Crews {
    pub(crate) stage: Stage,
    pub(crate) model: Held,
    folder: TempDir,
}

/// What a crew asks for, granted.
pub(crate) fn granted() -> Settings {
    Settings { grants: Grants::granting([Grant::Model, Grant::Subagents]), ..Settings::default() }
}

impl Crews {
    pub(crate) async fn new(letters: &str) -> Self {
        Self::with(letters, SubagentsSettings::default()).await
    }

    pub(crate) async fn with(letters: &str, subagents: SubagentsSettings) -> Self {
        let model = Held::new();
        let settings = GatewaySettings { models: Models::new(Arc::new(model.clone())), subagents, ..settings() };
        let crews = Self { stage: Stage::started_with(settings).await, model, folder: TempDir::new().unwrap() };
        for letter in letters.chars() {
            crews.load(letter, granted()).await;
        }
        crews
    }

    pub(crate) async fn load(&self, letter: char, settings: Settings) -> Arc<Plugin> {
        let built = self.folder.path().join("built");
        std::fs::write(&built, crews::crew(letter).unwrap()).unwrap();
        self.stage.load(&format!("crew-{letter}"), built, settings).await
    }

    /// A turn in which a crew does something.
    pub(crate) async fn turn(&self, session: &str, tool: &str, args: Value) -> Turn {
        self.stage.turn(session, &format!("use {tool} {args}")).await
    }

    /// What a crew says that did something.
    pub(crate) async fn act(&self, session: &str, tool: &str, args: Value) -> Value {
        said(self.turn(session, tool, args).await).await
    }

    /// A run of a subagent that is held.
    pub(crate) async fn held(&self, session: &str, name: &str) -> String {
        let started = self.act(session, "crew-a-run", json!({ "name": name, "message": "held\nsay done" })).await;
        started["ok"]["run"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned()
    }

    pub(crate) async fn wait(&self, session: &str, run: &str, ms: u64) -> Value {
        self.act(session, "crew-a-wait", json!({ "run": run, "wait": ms })).await
    }

    /// Keys of subagents that are noted.
    pub(crate) async fn noted(&self) -> Vec<String> {
        self.stage.state.subagents(None).await.unwrap().into_iter().map(|row| row.session).collect()
    }

    pub(crate) async fn exists(&self, session: &str) -> bool {
        self.stage.gateway.session(session).await.unwrap().is_some()
    }

    /// Waits until nothing of these subagents is left.
    pub(crate) async fn gone(&self, sessions: &[&str]) {
        loop {
            let (noted, mut left) = (self.noted().await, false);
            for session in sessions {
                left |= noted.iter().any(|key| key == session) || self.exists(session).await;
            }
            if !left {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// What the tool of a turn answered.
pub(crate) async fn said(turn: Turn) -> Value {
    let end = turn.ended().await;
    let message = end.message.clone().unwrap_or_else(|| panic!("{end:?}"));
    let (_, answer) = message.split_once("answered: ").unwrap_or_else(|| panic!("{message}"));
    serde_json::from_str(answer).unwrap_or_else(|_| panic!("{message}"))
}
