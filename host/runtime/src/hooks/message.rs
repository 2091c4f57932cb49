//! Messages, at the edge of a channel and on their way into a conversation: `message-received`, `before-dispatch`, `before-message-write`, `message-sending`,
//! `message-sent`.

use super::answer::{Attrs, asked, attrs, begins_with, json, last, outcome, reason, replace, text, weighed};
use super::lowered::{Lowered, event};
use super::observer::Observer;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::id::PluginId;
use crate::json::{Json, Payload};
use crate::transcript::Role;
use crate::wire::exports::plugbay::plugin as wire;
use serde::Deserialize;
use std::time::Duration;

/// `message-received`: observes each message that reaches the gateway.
#[derive(Debug, Clone, Copy)]
pub struct MessageReceived;

/// A message that reached the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Message {
    /// The channel's name for it.
    #[serde(rename = "message-id")]
    pub id: Option<String>,
    /// What it says.
    pub text: String,
    /// When it came, in milliseconds since 1970.
    pub at: u64,
    /// Further facts.
    #[serde(default, deserialize_with = "super::facts::deserialize")]
    pub attrs: Attrs,
}

impl Lowered<wire::message_received::Event> for Message {
    fn lowered(self) -> wire::message_received::Event {
        let Self { id, text, at, attrs } = self;
        wire::message_received::Event { message_id: id, text: text.lowered(), at, attrs: attrs.lowered() }
    }
}

impl Observer for MessageReceived {
    const NAME: &'static str = "message-received";
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    type Event = Message;
    type Wire = wire::message_received::Event;
}

/// `before-dispatch`: lets a plugin take a message before it becomes a turn.
#[derive(Debug, Clone, Copy)]
pub struct BeforeDispatch;

event! {
    /// A message that is about to become a turn.
    MessageAsked => wire::before_dispatch::Event {
        /// The channel's name for the message.
        message_id: Option<String>,
        /// What it says.
        text: String,
        /// When it came, in milliseconds since 1970.
        at: u64,
    }
}

outcome! {
    /// Whether a message is a plugin's.
    DispatchClaim {
        /// It is, and there is no turn.
        taken: bool,
        /// What to answer; none: nothing.
        text: Option<String>,
    }
}

impl TryFrom<wire::before_dispatch::Outcome> for DispatchClaim {
    type Error = Malformed;

    fn try_from(outcome: wire::before_dispatch::Outcome) -> Result<Self, Malformed> {
        Ok(Self { taken: true, text: text("text", outcome.text)?, attrs: attrs(outcome.attrs)? })
    }
}

weighed!(wire::before_dispatch::Outcome { text, attrs });

impl Hook for BeforeDispatch {
    const NAME: &'static str = "before-dispatch";
    const MODE: Mode = Mode::Claim;
    const BUDGET: Duration = Duration::from_secs(30);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    asked!(MessageAsked, DispatchClaim, wire::before_dispatch);

    fn is_final(outcome: &DispatchClaim) -> bool {
        outcome.taken
    }

    /// Who takes it first has it.
    fn merge(so_far: &mut DispatchClaim, next: DispatchClaim, _by: &PluginId) {
        if !so_far.taken {
            *so_far = next;
        }
    }
}

/// `before-message-write`: a gate before each message that is written into a conversation.
#[derive(Debug, Clone, Copy)]
pub struct BeforeMessageWrite;

event! {
    /// A message that is about to be written.
    Written => wire::before_message_write::Event {
        /// Who spoke.
        role: Role,
        /// What was said: a JSON string, or a list of parts. Where it is truncated nobody can change it.
        content: Payload,
        /// For an answer of a tool: the call that it answers.
        tool_call_id: Option<String>,
    }
}

outcome! {
    /// What plugins want of a message that is about to be written.
    WriteDecision {
        /// Another content: a JSON string, or a list of parts.
        content: Option<Json>,
        /// Don't write it, for this reason.
        block: Option<String>,
    }
}

impl TryFrom<wire::before_message_write::Outcome> for WriteDecision {
    type Error = Malformed;

    fn try_from(outcome: wire::before_message_write::Outcome) -> Result<Self, Malformed> {
        let wire::before_message_write::Outcome { content, block, attrs: facts } = outcome;
        Ok(Self { content: content.map(said).transpose()?, block: reason("block", block)?, attrs: attrs(facts)? })
    }
}

/// What an entry of a conversation may hold.
fn said(text: String) -> Result<Json, Malformed> {
    let said = json("content", text)?;
    if begins_with(&said, &['"', '[']) { Ok(said) } else { Err(Malformed::new("content", "expected a string or a list of parts")) }
}

weighed!(wire::before_message_write::Outcome { content, block, attrs });

impl Hook for BeforeMessageWrite {
    const NAME: &'static str = "before-message-write";
    const MODE: Mode = Mode::Gate;
    const BUDGET: Duration = Duration::from_secs(5);
    const GRANTS: &'static [Grant] = &[Grant::Conversation, Grant::Prompt];

    asked!(Written, WriteDecision, wire::before_message_write);

    fn is_final(outcome: &WriteDecision) -> bool {
        outcome.block.is_some()
    }

    /// The last content counts: whoever rewrote it saw that of the plugins before. The first block counts.
    fn merge(so_far: &mut WriteDecision, next: WriteDecision, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        if so_far.block.is_none() {
            last(&mut so_far.content, next.content);
            so_far.block = next.block;
        }
    }

    fn rewrite(event: &mut Written, answer: &mut WriteDecision) -> bool {
        replace(&mut event.content, &mut answer.content)
    }
}

/// `message-sending`: a gate before each message that goes to a channel.
#[derive(Debug, Clone, Copy)]
pub struct MessageSending;

event! {
    /// A message that is about to be sent.
    Sending => wire::message_sending::Event {
        /// What it says.
        text: String,
    }
}

outcome! {
    /// What plugins want of a message that is about to be sent.
    SendDecision {
        /// Another text.
        text: Option<String>,
        /// Don't send it, for this reason.
        cancel: Option<String>,
    }
}

impl TryFrom<wire::message_sending::Outcome> for SendDecision {
    type Error = Malformed;

    fn try_from(outcome: wire::message_sending::Outcome) -> Result<Self, Malformed> {
        let wire::message_sending::Outcome { text: other, cancel, attrs: facts } = outcome;
        Ok(Self { text: text("text", other)?, cancel: reason("cancel", cancel)?, attrs: attrs(facts)? })
    }
}

weighed!(wire::message_sending::Outcome { text, cancel, attrs });

impl Hook for MessageSending {
    const NAME: &'static str = "message-sending";
    const MODE: Mode = Mode::Gate;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Conversation, Grant::Prompt];

    asked!(Sending, SendDecision, wire::message_sending);

    fn is_final(outcome: &SendDecision) -> bool {
        outcome.cancel.is_some()
    }

    /// The last text counts, and whoever cancels first.
    fn merge(so_far: &mut SendDecision, next: SendDecision, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        if so_far.cancel.is_none() {
            last(&mut so_far.text, next.text);
            so_far.cancel = next.cancel;
        }
    }
}

/// `message-sent`: observes each message that was handed to a channel.
#[derive(Debug, Clone, Copy)]
pub struct MessageSent;

event! {
    /// A message that was handed to a channel.
    Sent => wire::message_sent::Event {
        /// What it says.
        text: String,
        /// Why the channel didn't take it, if it didn't.
        error: Option<String>,
        /// When, in milliseconds since 1970.
        at: u64,
    }
}

impl Observer for MessageSent {
    const NAME: &'static str = "message-sent";
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    type Event = Sent;
    type Wire = wire::message_sent::Event;
}
