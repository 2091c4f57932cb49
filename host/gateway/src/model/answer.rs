//! What a model answers, piece by piece.

use super::{ModelError, ToolRequest};
use futures_util::Stream;
use serde::Serialize;
use std::pin::Pin;

/// An answer as it comes. The last item is [`ModelPiece::End`] or an error; to drop the stream is to cancel.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelPiece, ModelError>> + Send>>;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelPiece {
    /// Text that goes on where the last one ended. Never empty.
    Text(String),
    /// A tool is wanted. Whole: arguments don't come in pieces.
    ToolCall(ToolRequest),
    /// The answer is complete.
    End {
        /// What it took.
        usage: Usage,
        /// Why the model stopped.
        stop: Stop,
        /// Which model answered, as the provider calls it; may be more exact than what was asked for.
        model: Option<String>,
    },
}

/// What a call of a model used, in tokens, as far as the provider says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Read.
    pub input: Option<u64>,
    /// Written.
    pub output: Option<u64>,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// It has said what it wanted to say.
    Finished,
    /// It waits for the tools that it asked for.
    ToolCalls,
    /// It has written as much as it may: the answer is cut short.
    Length,
    /// The provider holds something back.
    Filtered,
    /// Something else, in the provider's own word.
    Other(String),
}
