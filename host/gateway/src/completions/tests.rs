//! How many are asked at a time, what becomes of those that wait, and what a plugin learns of a failure.

use super::*;
use crate::model::{Model, OfflineModel, Stop, Usage};
use futures_util::{FutureExt, stream};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A model that answers when it is let, and counts.
#[derive(Default, Clone)]
struct Held(Arc<HeldState>);

#[derive(Default)]
struct HeldState {
    /// What was asked, in the order in which it was.
    asked: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    answers: tokio::sync::Notify,
}

struct UnderWay(Arc<HeldState>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Model for Held {
    fn provider(&self) -> &str {
        "held"
    }

    fn default_model(&self) -> &str {
        "held-1"
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        let state = self.0.clone();
        let answer = async move {
            let Some(ModelMessage::User { text }) = request.messages.first() else { panic!("{request:?}") };
            assert!(request.tools.is_empty());
            state.under_way.fetch_add(1, Ordering::SeqCst);
            let _under_way = UnderWay(state.clone());
            state.asked.lock().unwrap().push(text.clone());
            state.answers.notified().await;
            [Ok(ModelPiece::Text(format!("re: {text}"))), end()]
        };
        Box::pin(stream::once(answer).flat_map(stream::iter))
    }
}

fn end() -> Result<ModelPiece, ModelError> {
    Ok(ModelPiece::End { usage: Usage { input: Some(1), output: Some(2) }, stop: Stop::Finished, model: None })
}

fn plugin(id: &str) -> PluginId {
    PluginId::try_from(id.to_owned()).unwrap()
}

fn asked(message: &str) -> CompletionRequest {
    CompletionRequest { message: message.to_owned(), system_prompt: None, timeout_ms: None }
}

#[tokio::test]
async fn three_of_a_plugins_are_under_way_and_the_others_wait_in_order() {
    let (model, completions) = (Held::default(), Completions::default());
    let models = Models::new(Arc::new(model.clone()));
    let ask = |of: &str, n: usize| completions.complete(&models, &plugin(of), asked(&n.to_string())).now_or_never();
    assert!(ask("a", 0).is_none(), "nobody answers");
    assert_eq!(model.0.under_way.load(Ordering::SeqCst), 0, "who stops waiting takes the question back");
    model.0.asked.lock().unwrap().clear();

    let (a, b) = (plugin("a"), plugin("b"));
    let mut waiting: Vec<_> = (0..6).map(|n| Box::pin(completions.complete(&models, &a, asked(&n.to_string())))).collect();
    for one in &mut waiting {
        assert!(one.as_mut().now_or_never().is_none());
    }
    let seen = || model.0.asked.lock().unwrap().clone();
    assert_eq!(seen(), ["0", "1", "2"]);
    let mut other = Box::pin(completions.complete(&models, &b, asked("other")));
    assert!(other.as_mut().now_or_never().is_none());
    assert_eq!(seen().last().unwrap(), "other", "another plugin waits for none of them");
    drop(other);

    // One that waits gives up, one that is under way too: the next in order take their places.
    drop(waiting.remove(3));
    drop(waiting.remove(0));
    for one in &mut waiting {
        assert!(one.as_mut().now_or_never().is_none());
    }
    assert_eq!(seen(), ["0", "1", "2", "other", "4"]);
    assert_eq!(model.0.under_way.load(Ordering::SeqCst), 3);
    model.0.answers.notify_waiters();
    let said: Vec<_> = [0, 1, 2].map(|at| waiting[at].as_mut().now_or_never().unwrap().unwrap()).into();
    let expected =
        |text: &str| Completed { text: text.to_owned(), model: "held-1".to_owned(), input_tokens: Some(1), output_tokens: Some(2) };
    assert_eq!(said, ["re: 1", "re: 2", "re: 4"].map(expected));
    drop(waiting);
    assert!(completions.0.lock().unwrap().values().all(|line| line.strong_count() == 0), "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_others_counts_against_its_time() {
    let (model, completions) = (Held::default(), Completions::default());
    let models = Models::new(Arc::new(model.clone()));
    let a = plugin("a");
    let mut others: Vec<_> = (0..3).map(|n| Box::pin(completions.complete(&models, &a, asked(&n.to_string())))).collect();
    for other in &mut others {
        assert!(other.as_mut().now_or_never().is_none());
    }
    let late = completions.complete(&models, &a, CompletionRequest { timeout_ms: Some(50), ..asked("late") }).await.unwrap_err();
    assert_eq!(late.code, ServiceCode::TimedOut);
    assert!(late.message.contains("50 ms (`timeout-ms`)"), "{late}");
    drop(others);
    assert_eq!((model.0.asked.lock().unwrap().len(), model.0.under_way.load(Ordering::SeqCst)), (3, 0));
    let began = tokio::time::Instant::now();
    assert!(completions.complete(&models, &a, asked("with the usual patience")).await.is_err());
    assert_eq!(began.elapsed(), PATIENCE);
}

/// A model that says these pieces.
struct Says(Pieces);

type Pieces = fn() -> Vec<Result<ModelPiece, ModelError>>;

impl Model for Says {
    fn provider(&self) -> &str {
        "says"
    }

    fn default_model(&self) -> &str {
        "says-1"
    }

    fn stream(&self, _: ModelRequest) -> ModelStream {
        Box::pin(stream::iter(self.0()))
    }
}

#[tokio::test]
async fn a_failure_is_a_kind_and_no_more() {
    let cases: [(Pieces, ServiceCode, &str); 5] = [
        (
            || vec![Err(ModelError::new(ModelFailure::Unauthorized, "key sk-123 of https://models.example was refused"))],
            ServiceCode::Failed,
            "`unauthorized`",
        ),
        (|| vec![Err(ModelError::new(ModelFailure::TooLong, "sk-123"))], ServiceCode::TooLong, "`too-long`"),
        (|| vec![Err(ModelError::new(ModelFailure::Timeout, "sk-123"))], ServiceCode::TimedOut, "`timeout`"),
        (|| vec![Ok(ModelPiece::Text("sk-123".into()))], ServiceCode::Failed, "`malformed`"),
        (|| vec![Ok(ModelPiece::Text("x".repeat(ANSWER))), Ok(ModelPiece::Text("y".into())), end()], ServiceCode::Failed, "262144 bytes"),
    ];
    for (says, code, named) in cases {
        let failed = Completions::default().complete(&Models::new(Arc::new(Says(says))), &plugin("a"), asked("x")).await.unwrap_err();
        assert_eq!(failed.code, code, "{failed}");
        assert!(failed.message.contains(named) && !failed.message.contains("sk-123"), "{failed}");
    }
    let whole = Says(|| vec![Ok(ModelPiece::Text("x".repeat(ANSWER))), end()]);
    let said = Completions::default().complete(&Models::new(Arc::new(whole)), &plugin("a"), asked("x")).await.unwrap();
    assert_eq!(said.text.len(), ANSWER, "as much as is allowed");
}

#[tokio::test]
async fn the_default_model_is_asked_with_the_instructions() {
    let models = Models::new(Arc::new(OfflineModel::named("one", "one-1"))).with(Arc::new(OfflineModel::named("two", "two-1")));
    let request = CompletionRequest { system_prompt: Some("be brief".into()), ..asked("say hello") };
    let said = Completions::default().complete(&models, &plugin("a"), request).await.unwrap();
    assert_eq!((said.text.as_str(), said.model.as_str()), ("hello", "one-1"));
}
