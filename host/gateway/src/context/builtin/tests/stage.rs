//! A conversation in memory, and a model that answers as it is told.

use super::super::{Builtin, Compact, CompactError, Compacted, History, Life, Reason};
use crate::model::{Model, ModelError, ModelFailure, ModelMessage, ModelPiece, ModelRequest, ModelStream, ModelWindow, Stop, Usage, Voice};
use crate::tokens::Tokens;
use futures_util::stream;
use plugbay_runtime::state::{Memory, NewEntry, SessionStore};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub(super) struct Stage {
    pub(super) store: Arc<Memory>,
    pub(super) builtin: Builtin,
    pub(super) life: Life,
}

impl Stage {
    /// A session in its second life, so that numbers and positions differ.
    pub(super) async fn with(entries: Vec<NewEntry>) -> Self {
        let store = Arc::new(Memory::default());
        store.ensure_session("s", "zero").await.unwrap();
        store.append("s", "zero", vec![said("user", "of another life"), said("assistant", "so it is")]).await.unwrap().unwrap();
        store.reset_session("s", "one").await.unwrap().unwrap();
        for chunk in entries.chunks(100) {
            store.append("s", "one", chunk.to_vec()).await.unwrap().unwrap();
        }
        let builtin = Builtin::new(store.clone(), Tokens::default());
        Self { store, builtin, life: Life { key: "s".into(), life: "one".into(), entries: entries.len() as u64 } }
    }

    pub(super) fn history(&self, budget: u64) -> History {
        self.builtin.history(&self.life, budget).unwrap()
    }

    /// What a model is told within a budget, message by message.
    pub(super) fn told(&self, budget: u64) -> Vec<String> {
        self.history(budget).within(budget).0.iter().map(words).collect()
    }

    pub(super) async fn compact(&self, reason: Reason, budget: u64, model: Arc<dyn Model>) -> Result<Compacted, CompactError> {
        let asked = Compact { reason, budget, instructions: None };
        self.builtin.compact(&self.life, &asked, &voice(model)).await
    }
}

pub(super) fn voice(model: Arc<dyn Model>) -> Voice {
    Voice { name: model.default_model().to_owned(), model, thinking: None }
}

pub(super) fn words(message: &ModelMessage) -> String {
    match message {
        ModelMessage::System { text } | ModelMessage::User { text } | ModelMessage::Assistant { text, .. } => text.clone(),
        ModelMessage::Tool { call_id, content } => format!("{call_id}={content}"),
    }
}

pub(super) fn said(role: &str, text: &str) -> NewEntry {
    NewEntry { role: role.into(), content: json!(text).to_string(), tool_call_id: None, run: None, meta: None }
}

pub(super) fn calling(text: &str, calls: &[&str]) -> NewEntry {
    let calls: Vec<_> = calls.iter().map(|id| json!({ "id": id, "name": "t", "arguments": "{}" })).collect();
    NewEntry { meta: Some(json!({ "tool-calls": calls }).to_string()), ..said("assistant", text) }
}

pub(super) fn answering(call: &str, text: &str) -> NewEntry {
    NewEntry { tool_call_id: Some(call.to_owned()), ..said("tool", text) }
}

/// Answers in order what it is told, and then the last of it.
pub(super) struct Scripted {
    answers: Mutex<VecDeque<Result<String, ModelFailure>>>,
    pub(super) asked: Mutex<Vec<ModelRequest>>,
    window: ModelWindow,
    /// Whether its answers break off without an end.
    pub(super) breaks_off: AtomicBool,
}

impl Scripted {
    pub(super) fn saying<'a>(window: u64, answers: impl IntoIterator<Item = Result<&'a str, ModelFailure>>) -> Arc<Self> {
        let answers = answers.into_iter().map(|answer| answer.map(str::to_owned)).collect();
        Arc::new(Self {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
            window: ModelWindow::of(window),
            breaks_off: AtomicBool::default(),
        })
    }

    /// What it was asked to summarise, each time.
    pub(super) fn parts(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|request| words(&request.messages[0])).collect()
    }
}

impl Model for Scripted {
    fn provider(&self) -> &str {
        "scripted"
    }

    fn default_model(&self) -> &str {
        "one"
    }

    fn window(&self, _model: &str) -> u64 {
        self.window.tokens()
    }

    fn reserve(&self, _model: &str) -> u64 {
        self.window.reserve()
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
        let end = ModelPiece::End { usage: Usage::default(), stop: Stop::Finished, model: None };
        let pieces = match answer {
            Ok(text) if self.breaks_off.load(Ordering::Relaxed) => vec![Ok(ModelPiece::Text(text))],
            Ok(text) => vec![Ok(ModelPiece::Text(text)), Ok(end)],
            Err(kind) => vec![Err(ModelError::new(kind, "it doesn't want to"))],
        };
        Box::pin(stream::iter(pieces))
    }
}
