//! Models: the offline one, the client for OpenAI-compatible servers, and how one of several is found.

mod models;
mod offline;
mod openai;

use futures_util::StreamExt;
use plugbay_gateway::model::{Model, ModelError, ModelMessage, ModelPiece, ModelRequest, ModelStream, Stop, ToolRequest, Usage};

/// An answer, taken apart.
#[derive(Debug, Default)]
struct Heard {
    texts: Vec<String>,
    calls: Vec<ToolRequest>,
    end: Option<(Usage, Stop, Option<String>)>,
    error: Option<ModelError>,
}

impl Heard {
    fn text(&self) -> String {
        self.texts.concat()
    }

    fn take(&mut self, piece: Result<ModelPiece, ModelError>) {
        assert!(self.end.is_none() && self.error.is_none(), "nothing comes after the end: {piece:?}");
        match piece {
            Ok(ModelPiece::Text(text)) => self.texts.push(text),
            Ok(ModelPiece::ToolCall(call)) => self.calls.push(call),
            Ok(ModelPiece::End { usage, stop, model }) => self.end = Some((usage, stop, model)),
            Err(error) => self.error = Some(error),
        }
    }
}

/// Listens to the end, and once more, for streams that are asked again.
async fn hear(mut stream: ModelStream) -> Heard {
    let mut heard = Heard::default();
    while let Some(piece) = stream.next().await {
        heard.take(piece);
    }
    assert!(stream.next().await.is_none());
    assert!(heard.end.is_some() != heard.error.is_some(), "an answer ends once: {heard:?}");
    heard
}

async fn ask(model: &dyn Model, messages: Vec<ModelMessage>) -> Heard {
    hear(model.stream(ModelRequest { model: model.default_model().into(), messages, ..ModelRequest::default() })).await
}

fn user(text: &str) -> ModelMessage {
    ModelMessage::User { text: text.into() }
}

fn assistant(text: &str, tool_calls: Vec<ToolRequest>) -> ModelMessage {
    ModelMessage::Assistant { text: text.into(), tool_calls }
}

fn tool(call_id: &str, content: &str) -> ModelMessage {
    ModelMessage::Tool { call_id: call_id.into(), content: content.into() }
}

fn request(id: &str, name: &str, arguments: &str) -> ToolRequest {
    ToolRequest { id: id.into(), name: name.into(), arguments: arguments.into() }
}
