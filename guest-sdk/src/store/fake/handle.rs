//! The face of the generated bindings' `Store`, method by method, over this thread's rows.
//!
//! What it is for: the typed store above is written once. What it costs and how it fails: see the folder.

use super::super::contract::{Applied, Change, Condition, Entry, Error, KeyRange, Observation, Options, Order, Page};
use super::SHELF;
use super::shelf::{Problem, Row, Shelf, check_key, invalid};
use serde_json::Value;

/// A namespace, opened.
#[derive(Debug)]
pub(in crate::store) struct Handle {
    namespace: String,
}

/// Runs an operation on what is live, and names it in what fails.
fn run<T>(operation: &str, work: impl FnOnce(&mut Shelf) -> Result<T, Problem>) -> Result<T, Error> {
    let result = SHELF.with_borrow_mut(|shelf| {
        shelf.expire();
        work(shelf)
    });
    result.map_err(|(code, message)| Error { code, operation: operation.to_owned(), message })
}

fn entry(key: &str, row: &Row) -> Entry {
    Entry { key: key.to_owned(), value: row.value.clone(), created_at: row.created_at, expires_at: row.expires_at }
}

impl Handle {
    pub(in crate::store) fn open(namespace: &str, options: Options) -> Result<Self, Error> {
        run("open", |shelf| shelf.open(namespace, options))?;
        Ok(Self { namespace: namespace.to_owned() })
    }

    pub(in crate::store) fn register(&self, key: &str, value: &str, ttl_ms: Option<u64>) -> Result<(), Error> {
        run("register", |shelf| shelf.put(&self.namespace, check_key(key)?, value, ttl_ms))
    }

    pub(in crate::store) fn register_if_absent(&self, key: &str, value: &str, ttl_ms: Option<u64>) -> Result<bool, Error> {
        run("register-if-absent", |shelf| {
            let key = check_key(key)?;
            let absent = !shelf.namespace(&self.namespace)?.rows.contains_key(key);
            if absent {
                shelf.put(&self.namespace, key, value, ttl_ms)?;
            }
            Ok(absent)
        })
    }

    pub(in crate::store) fn lookup(&self, key: &str) -> Result<Option<String>, Error> {
        run("lookup", |shelf| self.value(shelf, key))
    }

    pub(in crate::store) fn lookup_many(&self, keys: &[String]) -> Result<Vec<Result<Option<String>, Error>>, Error> {
        run("lookup-many", |shelf| match keys.len() {
            0..=10_000 => keys.iter().map(|key| self.value(shelf, key).map(Ok)).collect(),
            more => invalid(format!("keys of the call: {more} wanted, 10000 allowed")),
        })
    }

    fn value(&self, shelf: &mut Shelf, key: &str) -> Result<Option<String>, Problem> {
        let key = check_key(key)?;
        Ok(shelf.namespace(&self.namespace)?.rows.get(key).map(|row| row.value.clone()))
    }

    pub(in crate::store) fn consume(&self, key: &str) -> Result<Option<String>, Error> {
        run("consume", |shelf| {
            let key = check_key(key)?;
            Ok(shelf.namespace(&self.namespace)?.rows.remove(key).map(|row| row.value))
        })
    }

    pub(in crate::store) fn delete(&self, key: &str) -> Result<bool, Error> {
        run("delete", |shelf| shelf.change(&self.namespace, check_key(key)?, &Change::Delete))
    }

    pub(in crate::store) fn entries(&self) -> Result<Vec<Entry>, Error> {
        run("entries", |shelf| {
            let mut all: Vec<_> = shelf.namespace(&self.namespace)?.rows.iter().map(|(key, row)| entry(key, row)).collect();
            all.sort_by_key(|entry| entry.created_at); // which keeps the order of the keys
            Ok(all)
        })
    }

    pub(in crate::store) fn range(&self, range: &KeyRange) -> Result<Page, Error> {
        if range.limit == 0 || range.max_bytes == Some(0) {
            return run("range", |_| invalid("`limit` and `max-bytes` are 1 at least"));
        }
        run("range", |shelf| {
            let within = |key: &str| range.start.as_deref().is_none_or(|s| s <= key) && range.end.as_deref().is_none_or(|e| key < e);
            let rows = shelf.namespace(&self.namespace)?.rows.iter().filter(|(key, _)| within(key));
            match range.order {
                Order::Ascending => page(rows, range),
                Order::Descending => page(rows.rev(), range),
            }
        })
    }

    pub(in crate::store) fn count(&self) -> Result<u64, Error> {
        run("count", |shelf| Ok(shelf.namespace(&self.namespace)?.rows.len() as u64))
    }

    pub(in crate::store) fn clear(&self) -> Result<(), Error> {
        run("clear", |shelf| {
            shelf.namespace(&self.namespace)?.rows.clear();
            Ok(())
        })
    }

    pub(in crate::store) fn observe(&self, key: &str) -> Result<Observation, Error> {
        run("observe", |shelf| self.observation(shelf, key))
    }

    fn observation(&self, shelf: &mut Shelf, key: &str) -> Result<Observation, Problem> {
        let value = self.value(shelf, key)?;
        Ok(Observation { value, comparison: shelf.comparison(&self.namespace, check_key(key)?) })
    }

    pub(in crate::store) fn compare_and_apply(
        &self,
        key: &str,
        comparison: &str,
        change: &Change,
        conditions: &[Condition],
    ) -> Result<Applied, Error> {
        run("compare-and-apply", |shelf| {
            let key = check_key(key)?;
            let mut as_seen = shelf.is_as_seen(&self.namespace, key, comparison)?;
            for condition in conditions {
                as_seen &= shelf.is_as_seen(condition.namespace.trim(), check_key(&condition.key)?, &condition.comparison)?;
            }
            match as_seen {
                false => Ok(Applied::Conflict(self.observation(shelf, key)?)),
                true if shelf.change(&self.namespace, key, change)? => Ok(Applied::Applied),
                true => Ok(Applied::Unchanged),
            }
        })
    }

    pub(in crate::store) fn delete_if_equal(&self, key: &str, value: &str) -> Result<bool, Error> {
        run("delete-if-equal", |shelf| {
            let key = check_key(key)?;
            let wanted = match serde_json::from_str(value) {
                Ok(Value::Array(_) | Value::Object(_)) | Err(_) => {
                    return invalid("only a string, number, boolean or null can be compared with");
                }
                Ok(scalar) => scalar,
            };
            let stored = self.value(shelf, key)?.and_then(|text| serde_json::from_str(&text).ok());
            match stored.is_some_and(|stored| equal(&stored, &wanted)) {
                true => shelf.change(&self.namespace, key, &Change::Delete),
                false => Ok(false),
            }
        })
    }
}

/// Numbers are equal by value, however they are written.
fn equal(stored: &Value, wanted: &Value) -> bool {
    match (stored, wanted) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        _ => stored == wanted,
    }
}

fn page<'a>(rows: impl Iterator<Item = (&'a String, &'a Row)>, range: &KeyRange) -> Result<Page, Problem> {
    let (mut entries, mut bytes) = (Vec::new(), 0_u64);
    for (key, row) in rows {
        bytes += (key.len() + row.value.len()) as u64;
        let too_much = range.max_bytes.is_some_and(|most| bytes > most);
        if too_much && entries.is_empty() {
            return invalid("the range's first row has more bytes than a page may have");
        }
        if too_much || entries.len() == range.limit as usize {
            return Ok(Page { entries, more: true });
        }
        entries.push(entry(key, row));
    }
    Ok(Page { entries, more: false })
}
