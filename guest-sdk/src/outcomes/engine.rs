//! What a context engine answers.

use crate::hooks::context_assemble::{Message, Part};
use crate::{Assembled, Bootstrapped, Bootstrapping, Compaction, Ingested, Ingesting, Prepared, Role, Value};

impl Ingested {
    /// So many were new to the engine.
    #[must_use]
    pub fn some(entries: usize) -> Self {
        Self { entries: u32::try_from(entries).unwrap_or(u32::MAX), attrs: Vec::new() }
    }

    /// All of this batch were new to it.
    #[must_use]
    pub fn all(event: &Ingesting) -> Self {
        Self::some(event.entries.len())
    }
}

impl Assembled {
    /// Nothing yet: the model sees only what is said in this turn.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more entry of the transcript, by its id.
    #[must_use]
    pub fn entry(mut self, id: u64) -> Self {
        self.parts.push(Part::Entry(id));
        self
    }

    /// More entries of the transcript, by their ids, oldest first.
    #[must_use]
    pub fn entries(mut self, ids: impl IntoIterator<Item = u64>) -> Self {
        self.parts.extend(ids.into_iter().map(Part::Entry));
        self
    }

    /// One more message, which isn't in the transcript. Not a tool's: an answer belongs to a call.
    #[must_use]
    pub fn message(self, role: Role, text: impl Into<String>) -> Self {
        self.message_json(role, Value::String(text.into()).to_string())
    }

    /// The same, from JSON text: a string, or a list of parts.
    #[must_use]
    pub fn message_json(mut self, role: Role, content: impl Into<String>) -> Self {
        self.parts.push(Part::Message(Message { role, content: content.into() }));
        self
    }

    /// What stands above the instructions, at most 32,768 bytes.
    #[must_use]
    pub fn system_prompt_addition(mut self, text: impl Into<String>) -> Self {
        self.system_prompt_addition = Some(text.into());
        self
    }

    /// Tokens that the parts take, as the engine counts. Neither this nor what the host counts may be above the budget.
    #[must_use]
    pub fn estimated(mut self, tokens: u64) -> Self {
        self.estimated_tokens = tokens;
        self
    }
}

impl Compaction {
    /// The conversation took so many tokens, and takes so many now.
    #[must_use]
    pub fn done(tokens_before: u64, tokens_after: u64) -> Self {
        Self { compacted: true, why: None, summary: None, tokens_before, tokens_after, attrs: Vec::new() }
    }

    /// It takes as many tokens as before, for this reason.
    pub fn nothing(tokens: u64, why: impl Into<String>) -> Self {
        Self { compacted: false, why: Some(why.into()), ..Self::done(tokens, tokens) }
    }

    /// What stands for what isn't told any more, for people.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = Some(text.into());
        self
    }
}

impl Bootstrapped {
    /// The engine took over all that there is.
    #[must_use]
    pub fn all(event: &Bootstrapping) -> Self {
        Self { entries: event.entries, why: None, attrs: Vec::new() }
    }

    /// It took over so many, and why not all.
    pub fn some(entries: u64, why: impl Into<String>) -> Self {
        Self { entries, why: Some(why.into()), attrs: Vec::new() }
    }
}

impl Prepared {
    /// There is nothing that the engine wants back.
    #[must_use]
    pub fn nothing() -> Self {
        Self { ticket: None, attrs: Vec::new() }
    }

    /// What the engine wants back when the subagent ends, at most 4,096 bytes.
    pub fn ticket(ticket: impl Into<String>) -> Self {
        Self { ticket: Some(ticket.into()), ..Self::nothing() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_sees_is_told_in_order() {
        let assembled = Assembled::new().message(Role::User, "So \"far\".").entry(3).entries(5..=6).message_json(Role::Assistant, "[]");
        let message = |role, content: &str| Part::Message(Message { role, content: content.into() });
        let parts =
            [message(Role::User, r#""So \"far\".""#), Part::Entry(3), Part::Entry(5), Part::Entry(6), message(Role::Assistant, "[]")];
        assert_eq!(assembled.parts, parts);
        let said = Assembled::new().system_prompt_addition("x").estimated(9);
        assert_eq!(said, Assembled { estimated_tokens: 9, system_prompt_addition: Some("x".into()), ..Assembled::default() });
    }

    #[test]
    fn the_other_answers_say_one_thing_each() {
        assert_eq!(Ingested::all(&Ingesting::new(Vec::new())), Ingested::some(0));
        assert_eq!(Ingested::some(usize::MAX).entries, u32::MAX);
        let done = Compaction::done(9, 2).summary("s");
        assert_eq!((done.compacted, done.summary.as_deref(), done.tokens_before, done.tokens_after), (true, Some("s"), 9, 2));
        let nothing = Compaction::nothing(9, "small");
        assert_eq!((nothing.compacted, nothing.why.as_deref(), nothing.tokens_before, nothing.tokens_after), (false, Some("small"), 9, 9));
        assert_eq!(Bootstrapped::all(&Bootstrapping::new(7)).entries, 7);
        assert_eq!(Bootstrapped::some(3, "large").why.as_deref(), Some("large"));
        assert_eq!((Prepared::ticket("t").ticket.as_deref(), Prepared::nothing().ticket), (Some("t"), None));
    }
}
