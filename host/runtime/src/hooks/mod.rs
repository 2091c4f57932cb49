//! The hooks, one file each, named as its interface is.

mod before_tool_call;
mod message_received;

pub use before_tool_call::{Approval, ApprovalDecision, BeforeToolCall, Severity, ToolCall, ToolDecision};
pub use message_received::{Message, MessageReceived};

use crate::hook::Malformed;
use crate::json::Json;

/// Further facts of a guest's.
const ATTRS: usize = 64;

/// Further facts of a guest's, checked.
fn attrs(attrs: Vec<(String, String)>) -> Result<Vec<(String, Json)>, Malformed> {
    if attrs.len() > ATTRS {
        return Err(Malformed::new("attrs", format!("{} of them, {ATTRS} allowed", attrs.len())));
    }
    attrs.into_iter().map(|(name, text)| Ok((name, Json::check(text).map_err(|e| Malformed::new("attrs", e))?))).collect()
}

/// Further facts of the host's, on their way to a guest.
fn wire_attrs(attrs: Vec<(String, Json)>) -> Vec<(String, String)> {
    attrs.into_iter().map(|(name, json)| (name, json.into())).collect()
}

/// Further facts as JSON has them: an object.
mod facts {
    use crate::json::Json;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(facts: &[(String, Json)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(facts.iter().map(|(name, json)| (name, json)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, Json)>, D::Error> {
        Ok(BTreeMap::<String, Json>::deserialize(from)?.into_iter().collect())
    }
}

/// Bytes of further facts.
fn attrs_size(attrs: &[(String, String)]) -> usize {
    attrs.iter().map(|(name, text)| 16 + name.len() + text.len()).sum()
}
