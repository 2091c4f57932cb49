//! The limits of a store: their defaults, their ceilings, their settings' names, and the sentence that says one was reached.

use crate::error::{Operation, Problem, StateError};
use std::fmt;
use std::num::NonZeroUsize;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of a key, trimmed.
    Key,
    /// Bytes of a namespace's name, trimmed.
    Namespace,
    /// Bytes of a value.
    Value,
    /// How deep arrays and objects of a value nest.
    Depth,
    /// Live rows of a namespace that rejects new ones when full.
    Entries,
    /// Live rows of a plugin.
    Rows,
    /// Bytes of all values of a plugin.
    Total,
    /// Namespaces that a plugin opens.
    Namespaces,
    /// Keys, or conditions, of one call.
    Keys,
    /// Bytes of one result: keys and values.
    Result,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 10] = [
        Self::Key,
        Self::Namespace,
        Self::Value,
        Self::Depth,
        Self::Entries,
        Self::Rows,
        Self::Total,
        Self::Namespaces,
        Self::Keys,
        Self::Result,
    ];

    /// The setting that changes this limit.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Key => "state.key-bytes",
            Self::Namespace => "state.namespace-bytes",
            Self::Value => "state.value-bytes",
            Self::Depth => "state.value-depth",
            Self::Entries => "max-entries",
            Self::Rows => "state.rows",
            Self::Total => "state.total-bytes",
            Self::Namespaces => "state.namespaces",
            Self::Keys => "state.keys",
            Self::Result => "state.result-bytes",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Namespace => "namespace",
            Self::Value => "value",
            Self::Depth => "depth of the value",
            Self::Entries => "rows of the namespace",
            Self::Rows => "rows of the plugin",
            Self::Total => "values of the plugin",
            Self::Namespaces => "namespaces of the plugin",
            Self::Keys => "keys of the call",
            Self::Result => "result",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Key | Self::Namespace | Self::Value | Self::Total | Self::Result => " bytes",
            _ => "",
        }
    }
}

/// A limit that was reached: which, what was wanted, what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overrun {
    /// Which limit.
    pub limit: Limit,
    /// What was wanted.
    pub observed: u64,
    /// What is allowed.
    pub allowed: u64,
    /// The rows of a result that is too large.
    pub rows: Option<u64>,
}

impl Overrun {
    pub(crate) const fn new(limit: Limit, observed: usize, allowed: usize) -> Self {
        Self { limit, observed: observed as u64, allowed: allowed as u64, rows: None }
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, observed, allowed, rows } = self;
        let (what, unit, setting) = (limit.what(), limit.unit(), limit.setting());
        write!(f, "{what}: ")?;
        if let Some(rows) = rows {
            write!(f, "{rows} rows with ")?;
        }
        write!(f, "{observed}{unit} wanted, {allowed}{unit} allowed (setting `{setting}`)")
    }
}

/// What one plugin may keep, and what one call may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateLimits {
    /// Bytes of a key.
    pub key: NonZeroUsize,
    /// Bytes of a namespace's name.
    pub namespace: NonZeroUsize,
    /// Bytes of a value. At most [`StateLimits::MAX_VALUE`].
    pub value: NonZeroUsize,
    /// How deep arrays and objects of a value nest.
    pub depth: NonZeroUsize,
    /// Live rows of a plugin. At most [`StateLimits::MAX_ROWS`].
    pub rows: NonZeroUsize,
    /// Bytes of all live values of a plugin.
    pub total: NonZeroUsize,
    /// Namespaces that a plugin opens during the process's life.
    pub namespaces: NonZeroUsize,
    /// Keys of one lookup-many, and conditions of one compare-and-apply.
    pub keys: NonZeroUsize,
    /// Bytes of one result.
    pub result: NonZeroUsize,
}

impl StateLimits {
    /// The most that an operator may allow a value.
    pub const MAX_VALUE: usize = 1 << 20;
    /// The most rows that an operator may allow a plugin.
    pub const MAX_ROWS: usize = 50_000;

    /// Refuses limits over their ceilings.
    pub(crate) fn checked(self) -> Result<Self, StateError> {
        for (what, asked, ceiling) in [(Limit::Value, self.value, Self::MAX_VALUE), (Limit::Rows, self.rows, Self::MAX_ROWS)] {
            if asked.get() > ceiling {
                let message = format!("setting `{}` is {asked}, and may be {ceiling} at most", what.setting());
                return Err(Problem::Invalid(message).during(Operation::Open));
            }
        }
        Ok(self)
    }
}

const fn at_least_one(n: usize) -> NonZeroUsize {
    match NonZeroUsize::new(n) {
        Some(n) => n,
        None => NonZeroUsize::MIN,
    }
}

impl Default for StateLimits {
    fn default() -> Self {
        Self {
            key: at_least_one(512),
            namespace: at_least_one(128),
            value: at_least_one(64 << 10),
            depth: at_least_one(64),
            rows: at_least_one(1_000),
            total: at_least_one(64 << 20),
            namespaces: at_least_one(1_000),
            keys: at_least_one(10_000),
            result: at_least_one(8 << 20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn settings_are_all_different() {
        let mut names: Vec<_> = Limit::ALL.iter().map(|l| l.setting()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Limit::ALL.len());
    }

    #[test]
    fn operators_may_raise_to_the_ceilings_and_no_further() {
        let highest = StateLimits { value: at_least_one(1 << 20), rows: at_least_one(50_000), ..StateLimits::default() };
        assert!(highest.clone().checked().is_ok());
        let refused = StateLimits { rows: at_least_one(50_001), ..highest }.checked().unwrap_err();
        assert_eq!((refused.code, refused.operation), (Code::InvalidInput, Operation::Open));
    }
}
