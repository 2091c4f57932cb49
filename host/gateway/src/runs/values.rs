//! Values that a plugin keeps for one run: by name, bounded in number and bytes.

use plugbay_runtime::{Json, ServiceCode, ServiceError};
use std::collections::BTreeMap;

/// Bytes of a name.
const NAME: usize = 128;
/// Values of one plugin in one run.
const VALUES: usize = 64;
/// Bytes of them in all, names included.
const BYTES: usize = 256 << 10;

/// One plugin's values.
#[derive(Debug, Default)]
pub(super) struct Values {
    by_name: BTreeMap<String, Json>,
    bytes: usize,
}

impl Values {
    pub(super) fn get(&self, name: &str) -> Option<Json> {
        self.by_name.get(name).cloned()
    }

    /// Whether there was one.
    pub(super) fn unset(&mut self, name: &str) -> bool {
        let before = self.by_name.remove(name);
        self.bytes -= before.as_ref().map_or(0, |json| size(name, json));
        before.is_some()
    }

    /// Keeps a value. Whether there was one.
    ///
    /// # Errors
    /// `LimitExceeded`, with nothing changed.
    pub(super) fn set(&mut self, name: &str, value: Json) -> Result<bool, ServiceError> {
        let replaced = self.by_name.get(name).map_or(0, |json| size(name, json));
        let bytes = self.bytes - replaced + size(name, &value);
        let known = self.by_name.contains_key(name);
        if !known && self.by_name.len() >= VALUES {
            return Err(full(name, &format!("the plugin keeps {VALUES} values in this run already, and that is the limit")));
        }
        if bytes > BYTES {
            return Err(full(name, &format!("the plugin's values of this run would be {bytes} bytes in all, {BYTES} allowed")));
        }
        self.bytes = bytes;
        self.by_name.insert(name.to_owned(), value);
        Ok(known)
    }
}

fn size(name: &str, value: &Json) -> usize {
    name.len() + value.as_str().len()
}

fn full(name: &str, why: &str) -> ServiceError {
    ServiceError::new(ServiceCode::LimitExceeded, format!("run-context `{name}`: {why} (fixed: no setting changes it)"))
}

/// A name as it may be.
///
/// # Errors
/// `InvalidInput`.
pub(super) fn named(name: &str) -> Result<&str, ServiceError> {
    let wrong = |what: String| Err(ServiceError::new(ServiceCode::InvalidInput, format!("run-context: the name {what}")));
    match name.len() {
        _ if name.trim().is_empty() => wrong("is blank".to_owned()),
        n if n > NAME => wrong(format!("has {n} bytes, {NAME} allowed")),
        _ => Ok(name),
    }
}
