//! What the host said when it refused, and the errors that are made of it.
//!
//! What it is for: the modules of imports have one enum each to match on, with the operation and the host's own words, all of one form. What it
//! costs: two strings. How it fails: it doesn't.

/// What the host said when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The operation that was called, as the contract names it: `register`, `compare-and-apply` …
    pub operation: String,
    /// What was asked, what refused it and what would change that.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(operation: &str, message: impl Into<String>) -> Self {
        Self { operation: operation.to_owned(), message: message.into() }
    }
}

/// Makes an error of an interface's error codes, and of failures of the SDK's own.
macro_rules! refusals {
    (
        $(#[$doc:meta])* $name:ident of $contract:ident, for $interface:literal
        { $($(#[$said:meta])* $kind:ident = $word:literal,)* }
        $({ $($(#[$own_said:meta])* $own:ident = $own_word:literal,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$said])* $kind($crate::Refusal),)*
            $($($(#[$own_said])* $own($crate::Refusal),)*)?
        }

        impl $name {
            /// The kind of failure as a word: `invalid-input`.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $word,)*
                    $($(Self::$own(_) => $own_word,)*)?
                }
            }

            /// The operation that was called, and what happened.
            #[must_use]
            pub fn refusal(&self) -> &$crate::Refusal {
                match self {
                    $(Self::$kind(refusal))|* => refusal,
                    $($(Self::$own(refusal))|* => refusal,)?
                }
            }

            /// The host's error, with the operation.
            fn of(operation: &'static str) -> impl Fn($contract::Error) -> Self {
                move |error| {
                    let kind = match error.code {
                        $($contract::ErrorCode::$kind => Self::$kind,)*
                    };
                    kind($crate::Refusal::new(operation, error.message))
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $crate::Refusal { operation, message } = self.refusal();
                write!(f, "{}.{operation} ({}): {message}", $interface, self.code())
            }
        }

        impl std::error::Error for $name {}
    };
}
pub(crate) use refusals;
