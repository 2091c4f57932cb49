//! One call of a model: what it is given is told to observers, what it says is passed on as it comes, and how it ended is told, however it did.

use super::rounds::Talk;
use super::{Run, Stopped, TurnEvent};
use crate::gateway::Why;
use crate::model::{ModelError, ModelFailure, ModelMessage, ModelPiece, ModelRequest, ModelStream, ToolRequest, Usage};
use futures_util::StreamExt;
use plugbay_runtime::state::SessionBounds;
use plugbay_runtime::{
    LlmInput, LlmOutput, ModelCall, ModelCallEnd, ModelCallEnded, ModelCallFate, ModelCallStarted, ModelInput, ModelOutput, Tokens,
};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Bytes of a model's name for a call, as the state takes it.
const CALL_ID: usize = 512;

/// Why a model said nothing.
pub(super) enum Unheard {
    /// What it was given is too long, and it hasn't begun to answer.
    TooLong(ModelError),
    Stopped(Stopped),
}

/// What a model said.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) calls: Vec<ToolRequest>,
    usage: Usage,
    /// The model, as the provider calls it.
    model: Option<String>,
    first_piece: Option<Duration>,
    complete: bool,
    bytes: usize,
}

impl Heard {
    /// Nobody hears more than can be written, whatever a model says.
    fn grow(&mut self, piece: &ModelPiece) -> Result<(), ModelError> {
        self.bytes += match piece {
            ModelPiece::Text(text) => text.len(),
            ModelPiece::ToolCall(ToolRequest { id, name, arguments }) => id.len() + name.len() + arguments.len(),
            ModelPiece::End { .. } => 0,
        };
        if self.bytes > SessionBounds::CONTENT {
            let why = format!("the answer is larger than {} bytes (fixed: no setting changes it)", SessionBounds::CONTENT);
            return Err(ModelError::new(ModelFailure::TooLarge, why));
        }
        Ok(())
    }
}

impl Run {
    /// Asks the model.
    pub(super) async fn ask(&mut self, talk: &Talk, number: u32) -> Result<Heard, Unheard> {
        let request = talk.request();
        self.tell_input(talk, &request, number);
        let (began, mut heard) = (Instant::now(), Heard::default());
        let stream = talk.voice.model.stream(request);
        let result = self.stop.unless(self.hear(stream, &mut heard, began)).await;
        self.tell_end(talk, &heard, number, began, &result);
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind == ModelFailure::TooLong && heard.bytes == 0 => return Err(Unheard::TooLong(error)),
            Ok(Err(error)) => {
                self.unfinished = heard.text;
                let why = format!("the model didn't answer ({}): {error}", error.kind);
                return Err(Unheard::Stopped(Stopped::Unanswered { kind: error.kind, why }));
            }
            Err(why) => {
                self.unfinished = heard.text;
                return Err(Unheard::Stopped(why.into()));
            }
        }
        self.tell_output(talk, &heard, number);
        Ok(heard)
    }

    async fn hear(&self, mut stream: ModelStream, heard: &mut Heard, began: Instant) -> Result<(), ModelError> {
        // Asked each time: who decides on messages may have come since the turn was asked for.
        let streams = self.gateway.streams();
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            heard.grow(&piece)?;
            heard.first_piece.get_or_insert_with(|| began.elapsed());
            match piece {
                ModelPiece::Text(text) => {
                    heard.text.push_str(&text);
                    if streams {
                        self.listener.tell(TurnEvent::Text { text });
                    }
                }
                ModelPiece::ToolCall(request) => heard.calls.push(named(request, &heard.calls)),
                ModelPiece::End { usage, model, .. } => {
                    (heard.usage, heard.model, heard.complete) = (usage, model, true);
                }
            }
        }
        if heard.complete { Ok(()) } else { Err(ModelError::new(ModelFailure::Malformed, "the answer broke off without an end")) }
    }

    fn tell_input(&self, talk: &Talk, request: &ModelRequest, number: u32) {
        let tools: Vec<String> = request.tools.iter().map(|tool| tool.name.clone()).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (provider, model) = (talk.voice.model.provider().to_owned(), talk.voice.name.clone());
        let (messages, offered) = (count(request.messages.len()), count(tools.len()));
        let event = ModelInput {
            call: number,
            provider: provider.clone(),
            model: model.clone(),
            prompt: request.messages.last().map(words).unwrap_or_default(),
            system_prompt: request.system.clone(),
            history: messages.saturating_sub(1),
            tools,
            attrs: Vec::new(),
        };
        let call = self.call();
        self.gateway.hooks.tell::<LlmInput>(&call, event);
        let event = ModelCall { call: number, provider, model, messages, tools: offered, attrs: Vec::new() };
        self.gateway.hooks.tell::<ModelCallStarted>(&call.anew(), event);
    }

    fn tell_end(&self, talk: &Talk, heard: &Heard, number: u32, began: Instant, result: &Result<Result<(), ModelError>, Why>) {
        let (end, failure) = match result {
            Ok(Ok(())) => (ModelCallFate::Answered, None),
            Ok(Err(error)) => (ModelCallFate::Failed, Some(error.kind.name().to_owned())),
            Err(_) => (ModelCallFate::Cancelled, None),
        };
        let event = ModelCallEnd {
            call: number,
            provider: talk.voice.model.provider().to_owned(),
            model: talk.voice.name.clone(),
            end,
            failure,
            duration_ms: millis(began.elapsed()),
            first_piece_ms: heard.first_piece.map(millis),
            attrs: Vec::new(),
        };
        self.gateway.hooks.tell::<ModelCallEnded>(&self.call(), event);
    }

    fn tell_output(&self, talk: &Talk, heard: &Heard, number: u32) {
        let event = ModelOutput {
            call: number,
            provider: talk.voice.model.provider().to_owned(),
            model: heard.model.clone().unwrap_or_else(|| talk.voice.name.clone()),
            text: heard.text.clone(),
            tool_calls: heard.calls.iter().map(|call| call.name.clone()).collect(),
            usage: Tokens { input: heard.usage.input, output: heard.usage.output },
            attrs: Vec::new(),
        };
        self.gateway.hooks.tell::<LlmOutput>(&self.call(), event);
    }
}

/// A call with a name that can be kept, and that none before it has: models are known to send none, the same, or the strangest.
fn named(request: ToolRequest, before: &[ToolRequest]) -> ToolRequest {
    let ToolRequest { id, name, arguments } = request;
    let bad = id.is_empty() || id.len() > CALL_ID || id.trim().len() != id.len() || id.contains(char::is_control);
    let bad = bad || before.iter().any(|call| call.id == id);
    let id = if bad { format!("call-{}", Uuid::new_v4()) } else { id };
    ToolRequest { id, name, arguments }
}

fn words(message: &ModelMessage) -> String {
    match message {
        ModelMessage::System { text } | ModelMessage::User { text } | ModelMessage::Assistant { text, .. } => text.clone(),
        ModelMessage::Tool { content, .. } => content.clone(),
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> ToolRequest {
        ToolRequest { id: id.to_owned(), name: "t".into(), arguments: "{}".into() }
    }

    #[test]
    fn each_call_of_an_answer_has_a_name_of_its_own_that_can_be_kept() {
        assert_eq!(named(call("a"), &[call("b")]).id, "a");
        for odd in ["", "b", " a", "a\n", &"a".repeat(CALL_ID + 1)] {
            let id = named(call(odd), &[call("b")]).id;
            assert!(id.starts_with("call-") && id != odd, "{odd:?}: {id}");
        }
    }

    #[test]
    fn an_answer_without_an_end_is_heard_no_further_than_it_can_be_written() {
        let mut heard = Heard::default();
        assert!(heard.grow(&ModelPiece::Text("x".repeat(SessionBounds::CONTENT - 8))).is_ok());
        assert!(heard.grow(&ModelPiece::ToolCall(call("call5"))).is_ok(), "as much as fits");
        assert_eq!(heard.grow(&ModelPiece::Text("x".into())).unwrap_err().kind, ModelFailure::TooLarge);
    }
}
