//! The context engine of docs/authors.md in a gateway, as it stands there: whoever asks for a compaction, its note is written by the host's model.

use super::stage::id;
use crate::turns::stage::{Stage, settings};
use plugbay_gateway::model::{Model, ModelRequest, ModelStream, ModelWindow, Models, OfflineModel};
use plugbay_gateway::runtime::{Grant, Grants, Settings};
use plugbay_gateway::{GatewaySettings, ServingEngine};
use plugbay_guests::built;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The instructions that the engine's questions have.
const ITS: &str = "Sum this up in ten sentences. Keep names and numbers.";

/// The offline model, which counts what the engine asks it, and says that it takes more than it does.
struct Counting {
    model: OfflineModel,
    asked: Arc<AtomicUsize>,
}

impl Model for Counting {
    fn provider(&self) -> &str {
        self.model.provider()
    }

    fn default_model(&self) -> &str {
        self.model.default_model()
    }

    fn window(&self, _: &str) -> u64 {
        16_000
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        if request.system.as_deref() == Some(ITS) {
            self.asked.fetch_add(1, Ordering::Relaxed);
            // Not in its words: they are too many for a model of this size.
            return OfflineModel::default().stream(ModelRequest { system: None, ..request });
        }
        self.model.stream(request)
    }
}

/// A gateway whose model takes so many tokens, with the engine in its slot; and how often the engine has asked the model.
async fn keeping(takes: u64, history_tokens: usize) -> (Stage, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let model = Counting { model: OfflineModel::default().within(ModelWindow::of(takes)), asked: asked.clone() };
    let history_tokens = NonZeroUsize::new(history_tokens).unwrap();
    let stage = Stage::started_with(GatewaySettings { models: Models::new(Arc::new(model)), history_tokens, ..settings() }).await;
    let grants = Grants::granting([Grant::Conversation, Grant::Prompt, Grant::State, Grant::Model]);
    stage.load("keeper", built::KEEPER, Settings { grants, ..Settings::default() }).await;
    stage.gateway.contexts().set_engine(Some(id("keeper")));
    (stage, asked)
}

/// So many turns of some fifty tokens each.
async fn talk(stage: &Stage, turns: usize) {
    for n in 0..turns {
        stage.answer("s", &format!("say {n} {}", "word ".repeat(20))).await;
    }
}

#[tokio::test]
async fn its_note_is_the_models_when_a_person_asks() {
    let (stage, asked) = keeping(16_000, 8_000).await;
    talk(&stage, 10).await;
    let done = stage.gateway.compact("s", None).await.unwrap().unwrap();
    assert_eq!((done.engine, done.compacted), (ServingEngine::Plugin(id("keeper")), true));
    assert!(done.tokens_after < done.tokens_before && done.summary.is_some(), "{} of {}", done.tokens_after, done.tokens_before);
    assert_eq!(asked.load(Ordering::Relaxed), 1, "it asked outside of any turn");
}

#[tokio::test]
async fn its_note_is_the_models_when_the_model_refuses() {
    let (stage, asked) = keeping(1_500, 8_000).await;
    talk(&stage, 40).await;
    assert!(asked.load(Ordering::Relaxed) > 0, "it asked in the middle of a turn");
    assert_eq!(stage.gateway.contexts().view().serving, ServingEngine::Plugin(id("keeper")), "and nothing was wrong with it");
}

#[tokio::test]
async fn its_note_is_the_models_when_the_budget_is_near() {
    let (stage, asked) = keeping(16_000, 1_000).await;
    let mut turns = 0;
    while asked.load(Ordering::Relaxed) == 0 {
        talk(&stage, 1).await;
        turns += 1;
        assert!(turns < 200, "after {turns} turns nobody had compacted");
        tokio::time::sleep(Duration::from_millis(5)).await; // it is behind the turns
    }
    assert_eq!(stage.gateway.contexts().view().serving, ServingEngine::Plugin(id("keeper")));
}

#[tokio::test]
async fn without_the_grant_it_goes_on_with_first_words() {
    let (stage, asked) = keeping(16_000, 8_000).await;
    let denied = Grants { denied: [Grant::Model].into(), ..Grants::granting([Grant::Conversation, Grant::Prompt, Grant::State]) };
    stage.load("keeper", built::KEEPER, Settings { grants: denied, ..Settings::default() }).await;
    talk(&stage, 10).await;
    let done = stage.gateway.compact("s", None).await.unwrap().unwrap();
    let summary = done.summary.unwrap();
    assert!(done.compacted && summary.lines().all(|line| line.split_whitespace().count() <= 8), "the first words of each: {summary}");
    assert!(summary.contains(" word word"), "{summary}");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}
