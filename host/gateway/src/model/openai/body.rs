//! A request as it goes over the wire: JSON, as the chat completions want it.

use crate::model::{ModelMessage, ModelRequest, ToolDefinition, ToolRequest};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The characters of a tool's name that servers take.
const LONGEST_NAME: usize = 64;

/// The body of a request. What isn't wanted isn't named, since many servers refuse what they don't know.
pub(super) fn body(request: &ModelRequest) -> Value {
    let system = request.system.iter().map(|text| json!({ "role": "system", "content": text }));
    let messages: Vec<Value> = system.chain(request.messages.iter().map(message)).collect();
    let mut body = Map::from_iter([
        ("model".to_owned(), json!(request.model)),
        ("messages".to_owned(), Value::Array(messages)),
        ("stream".to_owned(), json!(true)),
        ("stream_options".to_owned(), json!({ "include_usage": true })),
    ]);
    if !request.tools.is_empty() {
        body.insert("tools".to_owned(), request.tools.iter().map(tool).collect());
    }
    if let Some(thinking) = &request.thinking {
        body.insert("reasoning_effort".to_owned(), json!(thinking));
    }
    Value::Object(body)
}

fn message(message: &ModelMessage) -> Value {
    match message {
        ModelMessage::System { text } => json!({ "role": "system", "content": text }),
        ModelMessage::User { text } => json!({ "role": "user", "content": text }),
        ModelMessage::Assistant { text, tool_calls } if tool_calls.is_empty() => json!({ "role": "assistant", "content": text }),
        ModelMessage::Assistant { text, tool_calls } => {
            let content = (!text.is_empty()).then_some(text);
            json!({ "role": "assistant", "content": content, "tool_calls": tool_calls.iter().map(call).collect::<Value>() })
        }
        ModelMessage::Tool { call_id, content } => json!({ "role": "tool", "tool_call_id": call_id, "content": content }),
    }
}

/// A call that a model wrote in an answer before. Servers refuse what their own models write when they invent names or break off in the middle, and would refuse the
/// conversation for good: what isn't a name or an object is made one.
fn call(call: &ToolRequest) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": name(&call.name), "arguments": arguments(&call.arguments) } })
}

fn name(written: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    written.chars().map(plain).take(LONGEST_NAME).collect()
}

fn arguments(written: &str) -> Cow<'_, str> {
    match serde_json::from_str::<Map<String, Value>>(written) {
        Ok(_) => Cow::Borrowed(written),
        Err(_) => Cow::Owned(json!({ "unreadable": written }).to_string()),
    }
}

fn tool(tool: &ToolDefinition) -> Value {
    let ToolDefinition { name, description, parameters } = tool;
    json!({ "type": "function", "function": { "name": name, "description": description, "parameters": parameters } })
}
