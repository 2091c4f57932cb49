//! Ids: `[a-z][a-z0-9-]{0,63}`, everywhere.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// A plugin's id. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginId(Arc<str>);

/// Text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no id: expected a lower-case letter, then up to 63 lower-case letters, digits and hyphens")]
pub struct NoId(String);

impl PluginId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PluginId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PluginId {
    type Error = NoId;

    fn try_from(text: String) -> Result<Self, NoId> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(plain);
        if good { Ok(Self(text.into())) } else { Err(NoId(text.chars().take(80).collect())) }
    }
}

impl From<PluginId> for String {
    fn from(id: PluginId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
