//! What a plugin may offer by name: tools to the model, actions and commands to people.
//!
//! What it is for: all methods with one attribute are one export together. The three kinds are read, described and called by one mechanism; what sets
//! them apart stands here, a line each. What it costs: nothing at run time. How it fails: it doesn't.

use crate::manifest::is_id;

/// One kind of offer.
#[derive(Debug)]
pub(crate) struct Offer {
    /// The attribute, and the word for one of them.
    pub(crate) word: &'static str,
    /// How such a method is written.
    pub(crate) expected: &'static str,
    /// The interface that they make together.
    pub(crate) interface: &'static str,
    /// The field of the contract's event that says which is meant.
    pub(crate) which: &'static str,
    /// What the method is given of the event.
    pub(crate) given: Given,
    /// The contract's name of what it answers.
    pub(crate) outcome: &'static str,
    /// The SDK's trait that makes this of the author's answer, and the trait's function.
    pub(crate) made_by: [&'static str; 2],
    /// The member of `describe` that lists them.
    pub(crate) list: &'static str,
    /// How many a plugin may have.
    pub(crate) most: usize,
    /// What its name is called, there and in the attribute.
    pub(crate) name: &'static str,
    /// What a name may be.
    pub(crate) naming: Naming,
    /// What is made of the doc comment.
    pub(crate) description: Description,
    /// Whether it is always shown with a title, which is made of its name if none is said.
    pub(crate) titled: bool,
    /// What may stand in the attribute beside the name.
    pub(crate) options: &'static [&'static str],
    /// The same in words.
    pub(crate) options_are: &'static str,
}

/// What a method is given of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// JSON that is always there.
    Arguments,
    /// JSON that the caller may leave out.
    Parameters,
    /// A line of text.
    Line,
}

/// What a name may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// What model providers take.
    Tool,
    /// An id: a method's `_` becomes `-`.
    Id,
}

/// What is made of a doc comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Description {
    /// All of it.
    Whole {
        /// Who reads it, and how.
        reader: &'static str,
    },
    /// Its first line.
    FirstLine,
}

/// All of them, in the order in which the world exports them.
pub(crate) static OFFERS: [Offer; 3] = [
    Offer {
        word: "tool",
        expected: "fn name(&mut self, call: &Call, args: YourArgs) -> Result<Answer>",
        interface: "tools",
        which: "name",
        given: Given::Arguments,
        outcome: "ToolResult",
        made_by: ["IntoToolResult", "into_tool_result"],
        list: "tools",
        most: 128,
        name: "name",
        naming: Naming::Tool,
        description: Description::Whole { reader: "the model knows" },
        titled: false,
        options: &["title", "risk", "tags"],
        options_are: "a tool has `name = \"…\"`, `title = \"…\"`, `risk = \"low\"` and `tags(\"…\", …)`",
    },
    Offer {
        word: "action",
        expected: "fn name(&mut self, call: &Call, params: YourParams) -> Result<ActionResult>",
        interface: "session-actions",
        which: "action",
        given: Given::Parameters,
        outcome: "Outcome",
        made_by: ["IntoActionResult", "into_action_result"],
        list: "actions",
        most: 128,
        name: "id",
        naming: Naming::Id,
        description: Description::Whole { reader: "people are told" },
        titled: true,
        options: &["title", "scopes"],
        options_are: "an action has `id = \"…\"`, `title = \"…\"` and `scopes(\"operator.admin\")`",
    },
    Offer {
        word: "command",
        expected: "fn name(&mut self, call: &Call, args: &str) -> Result<CommandAnswer>",
        interface: "commands",
        which: "name",
        given: Given::Line,
        outcome: "Outcome",
        made_by: ["IntoCommandAnswer", "into_command_answer"],
        list: "commands",
        most: 64,
        name: "name",
        naming: Naming::Id,
        description: Description::FirstLine,
        titled: false,
        options: &["args", "scopes"],
        options_are: "a command has `name = \"…\"`, `args = \"<environment>\"` and `scopes(\"operator.admin\")`",
    },
];

impl Naming {
    /// The name that a method has, unless another one is said.
    pub(crate) fn of_method(self, method: &str) -> String {
        match self {
            Self::Tool => method.to_owned(),
            Self::Id => method.trim_matches('_').replace('_', "-"),
        }
    }

    /// What it takes, if not this.
    pub(crate) fn refused(self, name: &str) -> Option<&'static str> {
        match self {
            Self::Tool if (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) => None,
            Self::Tool => Some("1 to 64 letters, digits, `_` and `-`"),
            Self::Id if is_id(name) => None,
            Self::Id => Some("a lower-case letter, then up to 63 lower-case letters, digits and `-`"),
        }
    }
}

/// An id in words: `approve-deploy` is `Approve deploy`.
pub(crate) fn in_words(id: &str) -> String {
    let words = id.replace('-', " ");
    let mut letters = words.trim().chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_a_method_and_a_title_of_an_id() {
        assert_eq!(Naming::Id.of_method("approve_deploy"), "approve-deploy");
        assert_eq!(Naming::Tool.of_method("approve_deploy"), "approve_deploy");
        assert_eq!((in_words("approve-deploy").as_str(), in_words("").as_str()), ("Approve deploy", ""));
        assert_eq!((Naming::Id.refused("a-1"), Naming::Tool.refused("A_1")), (None, None));
        assert!(Naming::Id.refused("A").is_some() && Naming::Tool.refused("a b").is_some());
    }

    #[test]
    fn the_contract_has_what_is_said_of_each() {
        let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let schema = std::fs::read_to_string(wit.join("registration.schema.json")).unwrap();
        for offer in &OFFERS {
            let text = std::fs::read_to_string(wit.join(format!("{}.wit", offer.interface))).unwrap();
            assert!(text.contains(&format!("        {}: string,", offer.which)), "{}", offer.word);
            assert!(schema.contains(&format!("\"{}\": {{", offer.list)), "{}", offer.word);
            assert!(offer.options_are.contains(&format!("{} has `{} = ", offer.word, offer.name)), "{}", offer.word);
        }
    }
}
