//! What a model is given: a conversation, and the tools that it may ask for. Plain data; nothing here can fail.

use serde::Serialize;
use serde_json::Value;

/// What a model is given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelRequest {
    /// Which model, as its provider calls it.
    pub model: String,
    /// The instructions above the conversation.
    pub system: Option<String>,
    /// The conversation, oldest first.
    pub messages: Vec<ModelMessage>,
    /// The tools that it may ask for.
    pub tools: Vec<ToolDefinition>,
    /// How hard to think, in the provider's own words.
    pub thinking: Option<String>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub enum ModelMessage {
    /// Instructions in the middle of it.
    System {
        /// What it says.
        text: String,
    },
    /// From whoever talks to the model.
    User {
        /// What it says.
        text: String,
    },
    /// From the model.
    Assistant {
        /// What it says; may be empty where it only asks for tools.
        text: String,
        /// The tools that it wants called, in order.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolRequest>,
    },
    /// What came of a call of a tool.
    Tool {
        /// Which call: [`ToolRequest::id`].
        call_id: String,
        /// What came.
        content: String,
    },
}

/// A tool that a model may ask for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub description: String,
    /// What it takes: a JSON Schema.
    pub parameters: Value,
}

/// A model wants a tool called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolRequest {
    /// Names the call among those of the conversation.
    pub id: String,
    /// Which tool, as the model wrote it.
    pub name: String,
    /// What with, as the model wrote it: meant to be a JSON object, and not checked.
    pub arguments: String,
}
