//! What a server sends, as far as we read it: the chunks of an answer, and errors. Fields that some servers leave out may be missing.

use serde::Deserialize;
use serde_json::Value;

/// One chunk of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    pub(super) model: Option<String>,
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<TokensUsed>,
    /// Something went wrong after the answer began.
    pub(super) error: Option<Value>,
}

/// What a chunk adds. We ask for one choice, number 0.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) index: u64,
    pub(super) delta: Option<Delta>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    /// What the model says instead of what was asked for.
    pub(super) refusal: Option<String>,
    /// Thoughts that aren't part of the answer: they show that the model works. Servers have two names for them.
    pub(super) reasoning_content: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) tool_calls: Option<Vec<CallDelta>>,
}

/// A piece of a call of a tool.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallDelta {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionDelta>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionDelta {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokensUsed {
    pub(super) prompt_tokens: Option<u64>,
    pub(super) completion_tokens: Option<u64>,
}

/// What a server says is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) code: Option<String>,
    /// An HTTP status, where it is told in the body.
    pub(super) status: Option<u16>,
}

impl Complaint {
    /// Reads the body of a refused request: `{"error": {"message": …, "code": …}}`, or one of its many relatives, or text.
    pub(super) fn in_body(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(Value::Object(mut fields)) => Self::of(&fields.remove("error").unwrap_or(Value::Object(fields))),
            _ => Self { message: body.to_owned(), ..Self::default() },
        }
    }

    /// Reads the error itself.
    pub(super) fn of(error: &Value) -> Self {
        let Value::Object(fields) = error else {
            return Self { message: error.as_str().map_or_else(|| error.to_string(), str::to_owned), ..Self::default() };
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let status = fields.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        Self { message: text("message").unwrap_or_else(|| error.to_string()), code: text("code").or_else(|| text("type")), status }
    }
}
