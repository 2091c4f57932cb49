//! `message-received`: observes each message that reaches the gateway.

use super::wire_attrs;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::json::{BYTES, Json};
use crate::wire::exports::plugbay::plugin::message_received as wire;
use crate::wire::types;
use serde::Deserialize;
use std::time::Duration;

/// The hook.
#[derive(Debug, Clone, Copy)]
pub struct MessageReceived;

/// A message that reached the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Message {
    /// The channel's name for it.
    #[serde(default)]
    pub id: Option<String>,
    /// What it says.
    pub text: String,
    /// When it came, in milliseconds since 1970.
    pub at: u64,
    /// Further facts.
    #[serde(default, deserialize_with = "super::facts::deserialize")]
    pub attrs: Vec<(String, Json)>,
}

impl Hook for MessageReceived {
    const NAME: &'static str = "message-received";
    const MODE: Mode = Mode::Observe;
    const BUDGET: Duration = Duration::from_secs(30);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    type Event = Message;
    type Wire = wire::Event;
    type Answer = ();
    type Outcome = ();

    fn lower(event: Message) -> wire::Event {
        let Message { id, text, at, attrs } = event;
        wire::Event { message_id: id, text: whole(text), at, attrs: wire_attrs(attrs) }
    }

    fn lift((): ()) -> Result<(), Malformed> {
        Ok(())
    }

    fn size((): &()) -> usize {
        0
    }
}

/// Text on its way to a guest: whole, or beyond the bound and only its size.
fn whole(text: String) -> types::Text {
    if text.len() > BYTES { types::Text::Truncated(types::Truncated { bytes: text.len() as u64 }) } else { types::Text::Whole(text) }
}
