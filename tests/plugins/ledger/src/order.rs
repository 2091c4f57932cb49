//! What a call asks for: everything but the operation's name.

use plugbay_sdk::Store;
use plugbay_sdk::store::{Options, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// The arguments of all operations; each takes what it needs.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) ns: String,
    pub(crate) max: u32,
    pub(crate) reject: bool,
    pub(crate) default_ttl_ms: Option<u64>,
    pub(crate) key: String,
    pub(crate) keys: Vec<String>,
    pub(crate) value: Value,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) prefix: String,
    pub(crate) after: Option<String>,
    pub(crate) limit: u32,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) descending: bool,
    pub(crate) other_ns: String,
    pub(crate) other: String,
    pub(crate) meanwhile: Option<String>,
    pub(crate) change: Option<String>,
    pub(crate) size: usize,
    pub(crate) rows: usize,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            ns: "notes".into(),
            max: 1_000,
            reject: false,
            default_ttl_ms: None,
            key: "key".into(),
            keys: Vec::new(),
            value: Value::Null,
            ttl_ms: None,
            prefix: String::new(),
            after: None,
            limit: 1_000,
            max_bytes: None,
            descending: false,
            other_ns: "others".into(),
            other: "other".into(),
            meanwhile: None,
            change: None,
            size: 0,
            rows: 0,
        }
    }
}

impl Order {
    /// The namespace.
    pub(crate) fn open(&self) -> Result<Store<Value>> {
        self.open_as()
    }

    /// The namespace, with values of this type.
    pub(crate) fn open_as<T: Serialize + DeserializeOwned>(&self) -> Result<Store<T>> {
        let mut options = Options::up_to(self.max);
        if self.reject {
            options = options.reject_new();
        }
        if let Some(ms) = self.default_ttl_ms {
            options = options.default_ttl(Duration::from_millis(ms));
        }
        Store::open(&self.ns, options)
    }

    pub(crate) fn register(&self, store: &Store<Value>) -> Result<()> {
        match self.ttl_ms {
            Some(ms) => store.register_for(&self.key, &self.value, Duration::from_millis(ms)),
            None => store.register(&self.key, &self.value),
        }
    }

    pub(crate) fn register_if_absent(&self, store: &Store<Value>) -> Result<bool> {
        match self.ttl_ms {
            Some(ms) => store.register_if_absent_for(&self.key, &self.value, Duration::from_millis(ms)),
            None => store.register_if_absent(&self.key, &self.value),
        }
    }
}
