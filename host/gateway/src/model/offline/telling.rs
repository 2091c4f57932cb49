//! The offline model's answer as it is told: one piece each time somebody asks for one. Text comes a word at a time.

use super::command::Command;
use super::heard::heard;
use crate::model::{ModelError, ModelMessage, ModelPiece, ModelRequest, Stop, ToolRequest, Usage};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::coop::consume_budget;
use tokio::time::sleep;

/// An answer that is being told.
pub(super) struct Telling {
    model: String,
    messages: usize,
    input: u64,
    refusal: Option<ModelError>,
    commands: VecDeque<Command>,
    speech: VecDeque<String>,
    long: Option<(u32, u32)>,
    slow: Duration,
    said: u64,
    calls: usize,
    over: bool,
}

impl Telling {
    pub(super) fn new(request: &ModelRequest, refusal: Option<ModelError>) -> Self {
        Self {
            model: request.model.clone(),
            messages: request.messages.len(),
            input: words(request),
            refusal,
            commands: heard(request).into(),
            speech: VecDeque::new(),
            long: None,
            slow: Duration::ZERO,
            said: 0,
            calls: 0,
            over: false,
        }
    }

    /// The next piece, until the answer is over.
    pub(super) async fn next(&mut self) -> Option<Result<ModelPiece, ModelError>> {
        if self.over {
            return None;
        }
        let piece = self.piece();
        self.over = matches!(piece, Ok(ModelPiece::End { .. }) | Err(_));
        consume_budget().await; // a long answer lets others have their turn
        if !self.slow.is_zero() && !matches!(piece, Ok(ModelPiece::End { .. })) {
            sleep(self.slow).await;
        }
        Some(piece)
    }

    fn piece(&mut self) -> Result<ModelPiece, ModelError> {
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal);
        }
        loop {
            if let Some(word) = self.word() {
                self.said += 1;
                return Ok(ModelPiece::Text(word));
            }
            match self.commands.pop_front() {
                Some(Command::Say(text)) => self.speech = text.split_inclusive(char::is_whitespace).map(str::to_owned).collect(),
                Some(Command::Long(words)) => self.long = (words > 0).then_some((1, words)),
                Some(Command::Slow(wait)) => self.slow = wait,
                Some(Command::Use { tool, arguments }) => return Ok(ModelPiece::ToolCall(self.call(tool, arguments))),
                Some(Command::Fail(kind)) => {
                    return Err(ModelError::new(kind, format!("the offline model was told to fail (`fail {kind}`)")));
                }
                None => return Ok(self.end()),
            }
            if self.said > 0 && (self.long.is_some() || !self.speech.is_empty()) {
                self.speech.push_front("\n".into());
            }
        }
    }

    fn word(&mut self) -> Option<String> {
        if let Some(word) = self.speech.pop_front() {
            return Some(word);
        }
        let (number, last) = self.long?;
        self.long = (number < last).then_some((number + 1, last));
        Some(if number < last { format!("word-{number} ") } else { format!("word-{number}") })
    }

    fn call(&mut self, name: String, arguments: String) -> ToolRequest {
        self.calls += 1;
        ToolRequest { id: format!("call-{}-{}", self.messages, self.calls), name, arguments }
    }

    fn end(&self) -> ModelPiece {
        let stop = if self.calls > 0 { Stop::ToolCalls } else { Stop::Finished };
        ModelPiece::End { usage: Usage { input: Some(self.input), output: Some(self.said) }, stop, model: Some(self.model.clone()) }
    }
}

/// Words that the model was given: what it has instead of tokens.
fn words(request: &ModelRequest) -> u64 {
    let texts = request.messages.iter().map(|message| match message {
        ModelMessage::System { text } | ModelMessage::User { text } | ModelMessage::Assistant { text, .. } => text,
        ModelMessage::Tool { content, .. } => content,
    });
    texts.chain(&request.system).map(|text| text.split_whitespace().count() as u64).sum()
}
