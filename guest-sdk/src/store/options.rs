//! How a namespace is kept, and which rows of it are wanted.
//!
//! What it is for: builders for the contract's records, so that a call reads as a sentence. What it costs: nothing. How it fails: it
//! doesn't; the host refuses what is out of bounds.

use super::milliseconds;
use crate::bindings::imports::plugbay::plugin::keyed_store as contract;
use std::time::Duration;

/// How a namespace is kept. The same each time that it is opened, for as long as the host runs.
#[derive(Clone, Copy, Debug)]
#[must_use = "options are handed to `Store::open`"]
pub struct Options(pub(super) contract::Options);

impl Options {
    /// So many live rows at most. Beyond, the oldest makes room, by when it was last written; rows live for ever.
    pub const fn up_to(max_entries: u32) -> Self {
        Self(contract::Options { max_entries, overflow: contract::Overflow::EvictOldest, default_ttl_ms: None })
    }

    /// A new row is refused when the namespace is full, with `LimitExceeded`. Rows that are there can still be written.
    pub const fn reject_new(mut self) -> Self {
        self.0.overflow = contract::Overflow::RejectNew;
        self
    }

    /// How long a row lives that is written without a time of its own, in whole milliseconds, rounded up.
    pub const fn default_ttl(mut self, ttl: Duration) -> Self {
        self.0.default_ttl_ms = Some(milliseconds(ttl));
        self
    }
}

/// Which rows of a namespace, by key; keys compare by their UTF-8 bytes.
#[derive(Clone, Debug)]
#[must_use = "a range is handed to `Store::range`"]
pub struct Range(pub(super) contract::KeyRange);

impl Range {
    /// The first rows of all, so many at most.
    pub const fn up_to(limit: u32) -> Self {
        Self(contract::KeyRange { start: None, end: None, limit, max_bytes: None, order: contract::Order::Ascending })
    }

    /// Not before this key; itself included.
    pub fn from(mut self, key: impl Into<String>) -> Self {
        self.0.start = Some(key.into());
        self
    }

    /// Behind this key; itself excluded. The next page of an ascending range begins behind the last key of the one before.
    pub fn after(self, key: impl Into<String>) -> Self {
        let mut next = key.into();
        next.push('\0'); // no key stands between the two
        self.from(next)
    }

    /// Before this key; itself excluded. The next page of a descending range ends before the last key of the one before.
    pub fn to(mut self, key: impl Into<String>) -> Self {
        self.0.end = Some(key.into());
        self
    }

    /// Keys that begin so.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.0.end = behind_all(&prefix);
        self.from(prefix)
    }

    /// Bytes of keys and values at most; then a page is cut short where the answer would be refused as too large.
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.0.max_bytes = Some(bytes);
        self
    }

    /// From the last key to the first.
    pub const fn descending(mut self) -> Self {
        self.0.order = contract::Order::Descending;
        self
    }
}

/// The first text behind all those that begin with `prefix`: its last character, or the one before, made one greater.
fn behind_all(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_text_that_has_another() {
        assert_eq!(behind_all("user:").as_deref(), Some("user;"));
        assert_eq!(behind_all("a\u{d7ff}").as_deref(), Some("a\u{e000}"), "there is no character between");
        assert_eq!(behind_all("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind_all("\u{10ffff}"), None);
        assert_eq!(behind_all(""), None, "everything begins with nothing");
    }
}
