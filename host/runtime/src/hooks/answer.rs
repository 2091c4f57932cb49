//! What guests answer: bounds, and how the words of several plugins come together. What is beyond a bound is [`Malformed`], a fault of the guest; nothing is cut.

use crate::hook::Malformed;
use crate::json::{BYTES, Json, Payload};

/// Characters of a reason, and of other words for people.
pub(super) const REASON: usize = 4_096;
/// Characters of a name: of a tool, a model, a provider, a key.
pub(super) const NAME: usize = 512;
/// Further facts of a guest's.
const ATTRS: usize = 64;

/// Further facts.
pub(super) type Attrs = Vec<(String, Json)>;

/// Further facts, checked.
pub(super) fn attrs(attrs: Vec<(String, String)>) -> Result<Attrs, Malformed> {
    if attrs.len() > ATTRS {
        return Err(Malformed::new("attrs", format!("{} of them, {ATTRS} allowed", attrs.len())));
    }
    attrs.into_iter().map(|(name, text)| Ok((name, json("attrs", text)?))).collect()
}

/// JSON, checked.
pub(super) fn json(field: &'static str, text: String) -> Result<Json, Malformed> {
    Json::check(text).map_err(|e| Malformed::new(field, e))
}

/// Arguments of a tool: an object.
pub(super) fn params(text: String) -> Result<Json, Malformed> {
    let params = json("params", text)?;
    if begins_with(&params, &['{']) { Ok(params) } else { Err(Malformed::new("params", "expected an object")) }
}

/// Whether JSON is of one of these kinds.
pub(super) fn begins_with(json: &Json, any: &[char]) -> bool {
    json.as_str().trim_start().starts_with(any)
}

/// Words of so many characters at most.
pub(super) fn within(field: &'static str, text: String, most: usize) -> Result<String, Malformed> {
    match text.chars().count() {
        n if n > most => Err(Malformed::new(field, format!("{n} characters, {most} allowed"))),
        _ => Ok(text),
    }
}

/// A name, which isn't blank.
pub(super) fn named(field: &'static str, text: String) -> Result<String, Malformed> {
    if text.trim().is_empty() { Err(Malformed::new(field, "it is blank")) } else { within(field, text, NAME) }
}

/// Why, if the guest says.
pub(super) fn reason(field: &'static str, text: Option<String>) -> Result<Option<String>, Malformed> {
    text.map(|text| within(field, text, REASON)).transpose()
}

/// Text for a model or a channel, if there is any.
pub(super) fn text(field: &'static str, text: Option<String>) -> Result<Option<String>, Malformed> {
    match text {
        Some(text) if text.len() > BYTES => Err(Malformed::new(field, format!("{} bytes, {BYTES} allowed", text.len()))),
        text => Ok(text),
    }
}

/// Text that adds something to other text: none, if it is blank.
pub(super) fn addition(field: &'static str, addition: Option<String>) -> Result<Option<String>, Malformed> {
    Ok(text(field, addition)?.filter(|text| !text.trim().is_empty()))
}

/// Puts text behind other text, with a blank line between them.
pub(super) fn append(so_far: &mut Option<String>, next: Option<String>) {
    match (so_far.as_mut(), next) {
        (Some(so_far), Some(next)) => so_far.extend(["\n\n", &next]),
        (None, next) => *so_far = next,
        (Some(_), None) => {}
    }
}

/// What a plugin before it wanted, unless the next one wants something else.
pub(super) fn last<T>(so_far: &mut Option<T>, next: Option<T>) {
    if next.is_some() {
        *so_far = next;
    }
}

/// What the first plugin wants that wants anything.
pub(super) fn first<T>(so_far: &mut Option<T>, next: Option<T>) {
    if so_far.is_none() {
        *so_far = next;
    }
}

/// Puts other content in the place of an event's, for the plugins that come later; what nobody could see whole stays, and the change is taken back. Whether
/// anything changed.
pub(super) fn replace(content: &mut Payload, by: &mut Option<Json>) -> bool {
    if matches!(content, Payload::Truncated { .. }) {
        *by = None;
    }
    by.clone().map(|json| *content = json.into()).is_some()
}

/// Bytes of an answer, so far as a guest decides on them.
pub(super) trait Weighed {
    fn bytes(&self) -> usize;
}

impl Weighed for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl<A: Weighed, B: Weighed> Weighed for (A, B) {
    fn bytes(&self) -> usize {
        self.0.bytes() + self.1.bytes()
    }
}

impl<A: Weighed> Weighed for Option<A> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, A::bytes)
    }
}

impl<A: Weighed> Weighed for Vec<A> {
    /// Each takes some room, also an empty one.
    fn bytes(&self) -> usize {
        self.iter().map(|each| 16 + each.bytes()).sum()
    }
}

/// Records weigh what their fields weigh that have no bound of their own.
macro_rules! weighed {
    ($wire:ty { $($field:ident),* }) => {
        impl $crate::hooks::answer::Weighed for $wire {
            fn bytes(&self) -> usize {
                0 $(+ $crate::hooks::answer::Weighed::bytes(&self.$field))*
            }
        }
    };
}

/// An outcome: what a plugin wants, and with what others want the sum of it. What isn't wanted isn't shown.
macro_rules! outcome {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub struct $name {
            $($(#[$about])* #[serde(skip_serializing_if = "crate::hooks::answer::is_default")] pub $field: $type,)*
            /// Further wishes.
            #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "crate::hooks::facts::serialize")]
            pub attrs: $crate::hooks::answer::Attrs,
        }
    };
}

/// What a hook that is asked has in common with all of them: its event, its outcome, and the interface where both are.
macro_rules! asked {
    ($event:ty, $outcome:ty, $($interface:ident)::+) => {
        type Event = $event;
        type Wire = $($interface)::+::Event;
        type Answer = Option<$($interface)::+::Outcome>;
        type Outcome = $outcome;

        fn lower(event: Self::Event) -> Self::Wire {
            $crate::hooks::lowered::Lowered::lowered(event)
        }

        fn lift(answer: Self::Answer) -> Result<Self::Outcome, $crate::hook::Malformed> {
            answer.map_or_else(|| Ok(<$outcome>::default()), <$outcome>::try_from)
        }

        fn size(answer: &Self::Answer) -> usize {
            $crate::hooks::answer::Weighed::bytes(answer)
        }
    };
}

/// Whether a field says nothing.
pub(super) fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

pub(super) use {asked, outcome, weighed};
