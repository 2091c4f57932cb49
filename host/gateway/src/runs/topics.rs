//! Topics of agent events: which are the host's, which a plugin's own, and the stamp that says whose an event is.

use plugbay_runtime::{Json, PluginId, ServiceCode, ServiceError};
use serde::Serialize;
use serde_json::{Map, Value};

/// Bytes of a topic.
const TOPIC: usize = 256;

/// The host's own topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostTopic {
    /// The run begins and ends.
    Lifecycle,
    /// The model speaks.
    Assistant,
    /// A tool is called, and answers.
    Tool,
    /// A person is asked, and answers.
    Approval,
    /// The conversation is compacted.
    Compaction,
    /// Something went wrong.
    Error,
}

impl HostTopic {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Lifecycle, Self::Assistant, Self::Tool, Self::Approval, Self::Compaction, Self::Error];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Approval => "approval",
            Self::Compaction => "compaction",
            Self::Error => "error",
        }
    }
}

/// A topic that this plugin may emit under.
///
/// # Errors
/// `ForeignTopic` for the host's and other plugins', `InvalidInput` for what is none.
pub(super) fn own<'a>(plugin: &PluginId, topic: &'a str) -> Result<&'a str, ServiceError> {
    let refused = |code, why: String| Err(ServiceError::new(code, format!("emit: the topic {why}")));
    if topic.trim().is_empty() || topic.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refused(ServiceCode::InvalidInput, "is blank, or has spaces or control characters in it".to_owned());
    }
    if topic.len() > TOPIC {
        return refused(ServiceCode::InvalidInput, format!("has {} bytes, {TOPIC} allowed", topic.len()));
    }
    if HostTopic::ALL.iter().any(|host| host.name() == topic) {
        return refused(ServiceCode::ForeignTopic, format!("`{topic}` is the host's own: a plugin emits under `{plugin}` or `{plugin}.…`"));
    }
    match topic.strip_prefix(plugin.as_str()) {
        Some("") => Ok(topic),
        Some(".") => refused(ServiceCode::InvalidInput, format!("`{topic}` ends in its dot")),
        Some(below) if below.starts_with('.') => Ok(topic),
        _ => refused(ServiceCode::ForeignTopic, format!("`{topic}` isn't the plugin's: it emits under `{plugin}` or `{plugin}.…`")),
    }
}

/// The data of a plugin's event: an object that says whose it is, whatever the plugin put there.
///
/// # Errors
/// `LimitExceeded` if there is no room for the stamp; `InvalidInput` for numbers that nothing can hold.
pub(super) fn stamped(plugin: &PluginId, data: &Json) -> Result<Json, ServiceError> {
    let wrong = |code, e: &dyn std::fmt::Display| ServiceError::new(code, format!("emit: the data: {e}"));
    let mut object = match data.parse().map_err(|e| wrong(ServiceCode::InvalidInput, &e))? {
        Value::Object(object) => object,
        other => Map::from_iter([("value".to_owned(), other)]),
    };
    object.insert("plugin".to_owned(), Value::from(plugin.as_str()));
    let stamped = Json::from_value(&Value::Object(object));
    stamped.map_err(|e| wrong(ServiceCode::LimitExceeded, &format!("with `plugin` stamped on it: {e}")))
}
