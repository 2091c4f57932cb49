//! Changes: to the prompt, to the choice of the model, to a tool's answer.

use crate::{AnswerChange, HeartbeatContext, ModelChoice, PromptChange, Result, TurnContext};
use serde::Serialize;

/// A field that is set by a constructor, or by a method on what was built so far.
macro_rules! texts {
    ($name:ident { $($(#[$doc:meta])* $first:ident, $then:ident => $field:ident;)+ }) => {
        impl $name {$(
            $(#[$doc])*
            pub fn $first(text: impl Into<String>) -> Self {
                Self::default().$then(text)
            }

            $(#[$doc])*
            #[must_use]
            pub fn $then(mut self, text: impl Into<String>) -> Self {
                self.$field = Some(text.into());
                self
            }
        )+}
    };
}

texts! { ModelChoice {
    /// The provider, by its name in the gateway's settings.
    provider, and_provider => provider;
    /// The model, as its provider calls it.
    model, and_model => model;
    /// How much the model is to think, in its provider's words.
    thinking, and_thinking => thinking;
} }

texts! { TurnContext {
    /// Goes before what was said.
    prepend, and_prepend => prepend_context;
    /// Goes behind what was said.
    append, and_append => append_context;
} }

texts! { HeartbeatContext {
    /// Goes before the heartbeat's prompt.
    prepend, and_prepend => prepend_context;
    /// Goes behind the heartbeat's prompt.
    append, and_append => append_context;
} }

texts! { PromptChange {
    /// Takes the place of the instructions above the conversation.
    system_prompt, and_system_prompt => system_prompt;
    /// Goes before what was said.
    prepend, and_prepend => prepend_context;
    /// Goes behind what was said.
    append, and_append => append_context;
    /// Goes before the instructions.
    prepend_system, and_prepend_system => prepend_system_context;
    /// Goes behind the instructions.
    append_system, and_append_system => append_system_context;
} }

impl PromptChange {
    /// Only these tools, of those that there are.
    pub fn tools(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::default().and_tools(names)
    }

    /// Only these tools, of those that there are.
    #[must_use]
    pub fn and_tools(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tools_allow = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

impl AnswerChange {
    /// Another answer is written, and that is what the model sees.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn rewrite(content: &(impl Serialize + ?Sized)) -> Result<Self> {
        Ok(Self { content: Some(serde_json::to_string(content)?), ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_what_was_said_and_nothing_else() {
        let change = PromptChange::prepend("a").and_append("b").and_tools(["echo"]);
        let wanted = PromptChange {
            prepend_context: Some("a".into()),
            append_context: Some("b".into()),
            tools_allow: Some(vec!["echo".into()]),
            ..PromptChange::default()
        };
        assert_eq!(change, wanted);
        let system = PromptChange::system_prompt("s").and_prepend_system("p").and_append_system("q");
        assert_eq!((system.system_prompt.as_deref(), system.prepend_context), (Some("s"), None));
        assert_eq!((system.prepend_system_context.as_deref(), system.append_system_context.as_deref()), (Some("p"), Some("q")));
        assert_eq!(ModelChoice::model("big").and_provider("there").and_thinking("high").thinking.as_deref(), Some("high"));
        assert_eq!(TurnContext::append("x"), TurnContext { append_context: Some("x".into()), ..TurnContext::default() });
        assert_eq!(HeartbeatContext::prepend("x"), HeartbeatContext { prepend_context: Some("x".into()), ..HeartbeatContext::default() });
        assert_eq!(AnswerChange::rewrite("short").unwrap().content.as_deref(), Some("\"short\""));
    }
}
