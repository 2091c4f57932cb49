//! The options that namespaces were opened with: the first opener's hold for the backend's life.
//!
//! Costs one map entry per namespace that was ever opened, and a plugin may open only so many.

use crate::error::Problem;
use crate::limits::{Limit, Overrun};
use crate::store::{Options, Owner};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<HashMap<Owner, HashMap<String, Options>>>);

impl Pins {
    /// Pins the options, or compares them with those that are pinned.
    pub(crate) fn pin(&self, owner: &Owner, namespace: &str, options: Options, allowed: NonZeroUsize) -> Result<(), Problem> {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = pins.entry(owner.clone()).or_default();
        let count = opened.len();
        match opened.entry(namespace.to_owned()) {
            Entry::Occupied(pinned) if *pinned.get() == options => Ok(()),
            Entry::Occupied(pinned) => {
                Err(Problem::Invalid(format!("namespace {namespace:?} is open with other options: {}; asked for: {options}", pinned.get())))
            }
            Entry::Vacant(_) if count >= allowed.get() => {
                Err(Problem::Limit(Overrun::new(Limit::Namespaces, count.saturating_add(1), allowed.get())))
            }
            Entry::Vacant(free) => {
                free.insert(options);
                Ok(())
            }
        }
    }
}
