//! All rows of one thread, and the rules that concern more than one of them.
//!
//! What it is for: expiry, eviction, limits and tokens in one place. What it costs: see the folder. How it fails: by a [`Problem`], which
//! knows nothing of operations.

use super::super::contract::{Change, ErrorCode, Options, Overflow};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// A kind of failure and its words.
pub(super) type Problem = (ErrorCode, String);

pub(super) fn invalid<T>(message: impl Into<String>) -> Result<T, Problem> {
    Err((ErrorCode::InvalidInput, message.into()))
}

fn limit<T>(what: &str, wanted: usize, allowed: usize) -> Result<T, Problem> {
    Err((ErrorCode::LimitExceeded, format!("{what}: {wanted} wanted, {allowed} allowed")))
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) value: String,
    pub(super) created_at: u64,
    pub(super) expires_at: Option<u64>,
    /// Which write it was, of all.
    write: u64,
}

#[derive(Debug)]
pub(super) struct Namespace {
    options: Options,
    pub(super) rows: BTreeMap<String, Row>,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    namespaces: BTreeMap<String, Namespace>,
    ahead: u64,
    writes: u64,
}

impl Shelf {
    pub(super) fn advance(&mut self, ms: u64) {
        self.ahead = self.ahead.saturating_add(ms);
    }

    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        super::super::milliseconds(since).saturating_add(self.ahead)
    }

    /// Pins the options of a namespace, or compares them with those that are pinned.
    pub(super) fn open(&mut self, namespace: &str, options: Options) -> Result<(), Problem> {
        check_namespace(namespace)?;
        if options.max_entries == 0 || options.default_ttl_ms == Some(0) {
            return invalid("`max-entries` and `default-ttl-ms` are 1 at least");
        }
        let opened = self.namespaces.entry(namespace.to_owned()).or_insert_with(|| Namespace { options, rows: BTreeMap::new() });
        if opened.options == options { Ok(()) } else { invalid(format!("the namespace {namespace:?} is open with other options")) }
    }

    /// Deletes what has ended, everywhere, so that what is there is live.
    pub(super) fn expire(&mut self) {
        let now = self.now();
        for namespace in self.namespaces.values_mut() {
            namespace.rows.retain(|_, row| row.expires_at.is_none_or(|end| end > now));
        }
    }

    /// The rows of a namespace that was opened.
    pub(super) fn namespace(&mut self, name: &str) -> Result<&mut Namespace, Problem> {
        self.namespaces
            .get_mut(name)
            .ok_or_else(|| (ErrorCode::Unavailable, format!("{name:?} was opened in another test, or before `reset`")))
    }

    /// Writes a row, if there is room for it, and evicts what has to go for it.
    pub(super) fn put(&mut self, namespace: &str, key: &str, value: &str, ttl: Option<u64>) -> Result<(), Problem> {
        if value.len() > 64 << 10 {
            return limit("bytes of a value", value.len(), 64 << 10);
        }
        let (created_at, all) = (self.now(), self.namespaces.values().map(|namespace| namespace.rows.len()).sum::<usize>());
        let write = self.writes + 1;
        let Namespace { options, rows } = self.namespace(namespace)?;
        let expires_at = match ttl.or(options.default_ttl_ms) {
            Some(0) => return invalid("`ttl-ms` is 1 at least"),
            Some(ttl) => Some(created_at.checked_add(ttl).ok_or((ErrorCode::InvalidInput, "`ttl-ms` is too long".to_owned()))?),
            None => None,
        };
        let most = options.max_entries as usize;
        let evicts = options.overflow == Overflow::EvictOldest;
        if !rows.contains_key(key) {
            match rows.len() >= most {
                true if evicts => drop(oldest(rows).and_then(|key| rows.remove(&key))),
                true => return limit("rows of the namespace", rows.len() + 1, most),
                false if all >= 1_000 => return limit("rows of the plugin", all + 1, 1_000),
                false => {}
            }
        }
        rows.insert(key.to_owned(), Row { value: value.to_owned(), created_at, expires_at, write });
        self.writes = write;
        Ok(())
    }

    /// What tells this state of this row from every other.
    pub(super) fn comparison(&self, namespace: &str, key: &str) -> String {
        let write = self.namespaces.get(namespace).and_then(|rows| rows.rows.get(key)).map_or(0, |row| row.write);
        format!("{}{write}", place(namespace, key))
    }

    /// Whether a row is as it was seen.
    pub(super) fn is_as_seen(&self, namespace: &str, key: &str, comparison: &str) -> Result<bool, Problem> {
        check_namespace(namespace)?;
        match comparison.strip_prefix(&place(namespace, key)) {
            Some(write) if write.parse::<u64>().is_ok() => Ok(comparison == self.comparison(namespace, key)),
            _ => invalid(format!("the comparison is of another row than {key:?} in {namespace:?}")),
        }
    }

    /// Makes a change. Whether there was anything to do.
    pub(super) fn change(&mut self, namespace: &str, key: &str, change: &Change) -> Result<bool, Problem> {
        match change {
            Change::Set(new) => self.put(namespace, key, &new.value, new.ttl_ms).map(|()| true),
            Change::Keep => Ok(false),
            Change::Delete => Ok(self.namespace(namespace)?.rows.remove(key).is_some()),
        }
    }
}

fn place(namespace: &str, key: &str) -> String {
    format!("{namespace}/{key}#")
}

fn oldest(rows: &BTreeMap<String, Row>) -> Option<String> {
    rows.iter().min_by_key(|(key, row)| (row.created_at, key.as_str())).map(|(key, _)| key.clone())
}

fn check_namespace(name: &str) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if first && name.len() <= 128 && name.bytes().all(plain) { Ok(()) } else { invalid(format!("{name:?} is no namespace")) }
}

/// A key without the space around it.
pub(super) fn check_key(key: &str) -> Result<&str, Problem> {
    match key.trim() {
        "" => invalid("the key is empty"),
        key if key.len() > 512 => invalid(format!("key: {} bytes wanted, 512 bytes allowed", key.len())),
        key => Ok(key),
    }
}
