//! How events become what guests get. [`event!`] declares an event by its fields, which are those of its record in `wit/`, and each field knows by its type what
//! it becomes. A text or a payload beyond its bound goes as its size alone; so lowering can't fail. It costs the strings that it moves, no copies but of JSON.

use crate::json::{BYTES, Json, Payload};
use crate::transcript::{Entry, Role};
use crate::wire::types;

/// Becomes a value of the contract's types.
pub trait Lowered<W> {
    /// The same, as guests get it.
    fn lowered(self) -> W;
}

/// Types that are the same on both sides.
macro_rules! same {
    ($($type:ty),*) => { $(impl Lowered<$type> for $type {
        fn lowered(self) -> $type {
            self
        }
    })* };
}

same!(bool, u32, u64, String);

impl Lowered<types::Text> for String {
    fn lowered(self) -> types::Text {
        if self.len() > BYTES { types::Text::Truncated(types::Truncated { bytes: self.len() as u64 }) } else { types::Text::Whole(self) }
    }
}

impl Lowered<String> for Json {
    fn lowered(self) -> String {
        self.into()
    }
}

impl Lowered<types::Payload> for Payload {
    fn lowered(self) -> types::Payload {
        self.into()
    }
}

impl Lowered<types::Role> for Role {
    fn lowered(self) -> types::Role {
        match self {
            Self::System => types::Role::System,
            Self::User => types::Role::User,
            Self::Assistant => types::Role::Assistant,
            Self::Tool => types::Role::Tool,
        }
    }
}

impl From<types::Role> for Role {
    fn from(role: types::Role) -> Self {
        match role {
            types::Role::System => Self::System,
            types::Role::User => Self::User,
            types::Role::Assistant => Self::Assistant,
            types::Role::Tool => Self::Tool,
        }
    }
}

impl Lowered<types::Entry> for Entry {
    fn lowered(self) -> types::Entry {
        let Self { id, role, at, content, tool_call_id } = self;
        types::Entry { id, role: role.lowered(), at, content: content.lowered(), tool_call_id }
    }
}

impl<A: Lowered<W>, W> Lowered<Option<W>> for Option<A> {
    fn lowered(self) -> Option<W> {
        self.map(A::lowered)
    }
}

impl<A: Lowered<W>, W> Lowered<Vec<W>> for Vec<A> {
    fn lowered(self) -> Vec<W> {
        self.into_iter().map(A::lowered).collect()
    }
}

impl Lowered<(String, String)> for (String, Json) {
    fn lowered(self) -> (String, String) {
        (self.0, self.1.into())
    }
}

/// A record of an event: its fields, by the names that they have in `wit/`.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident => $wire:ty { $($(#[$about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $name {
            $($(#[$about])* pub $field: $type,)*
        }

        impl $crate::hooks::lowered::Lowered<$wire> for $name {
            fn lowered(self) -> $wire {
                type Wire = $wire;
                Wire { $($field: $crate::hooks::lowered::Lowered::lowered(self.$field),)* }
            }
        }
    };
}

/// An event: a record with room for further facts.
macro_rules! event {
    ($(#[$doc:meta])* $name:ident => $wire:ty { $($fields:tt)* }) => {
        $crate::hooks::lowered::record! {
            $(#[$doc])*
            $name => $wire {
                $($fields)*
                /// Further facts.
                #[serde(default, deserialize_with = "crate::hooks::facts::deserialize")]
                attrs: Vec<(String, $crate::json::Json)>,
            }
        }
    };
}

/// An enum with the cases that it has in `wit/`.
macro_rules! cases {
    ($(#[$doc:meta])* $name:ident = $wire:ty { $($(#[$about:meta])* $case:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            $($(#[$about])* $case,)*
        }

        impl $crate::hooks::lowered::Lowered<$wire> for $name {
            fn lowered(self) -> $wire {
                match self {
                    $(Self::$case => <$wire>::$case,)*
                }
            }
        }

        impl From<$wire> for $name {
            fn from(case: $wire) -> Self {
                match case {
                    $(<$wire>::$case => Self::$case,)*
                }
            }
        }
    };
}

pub(super) use {cases, event, record};
