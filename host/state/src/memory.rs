//! The backend for tests and for hosts that keep nothing: rows in a map, the ledger, conversations and jobs, behind one lock.
//!
//! It follows the same rules as every other. A lookup costs two map searches; a write to a full namespace scans it for its oldest rows. Nothing fails
//! but what the rules refuse, and everything once it is closed.

mod ledger;
mod sessions;
mod work;

use crate::clock::{Clock, SystemClock};
use crate::error::{Problem, StateError};
use crate::front::Front;
use crate::limits::StateLimits;
use crate::rows::{
    Amount, Backend, EXPIRY_BATCH, Fresh, Passing, Reads, Row, Rows, Scan, Shelf, Spot, Standing, Survey, Visit, Weight, is_live,
};
use crate::store::{Order, Owner, RowId, Usage};
use ledger::Pages;
use sessions::Talks;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, PoisonError};
use work::Desk;

/// State that lives as long as the process, or until it is closed.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    shelf: Arc<Shelf>,
    /// None: closed.
    rows: Mutex<Option<Contents>>,
}

type Keys = BTreeMap<String, Row>;

/// What is kept.
#[derive(Debug, Default)]
struct Contents {
    /// Rows by owner, namespace and key.
    keyed: BTreeMap<String, BTreeMap<String, Keys>>,
    /// The mark of the last write.
    mark: i64,
    ledger: Pages,
    talks: Talks,
    desk: Desk,
}

impl Memory {
    /// An empty state with these limits and this clock.
    ///
    /// # Errors
    /// `invalid-input` for limits over their ceilings.
    pub fn new(limits: StateLimits, clock: Arc<dyn Clock>) -> Result<Self, StateError> {
        Ok(Self::empty(limits.checked()?, clock))
    }

    fn empty(limits: StateLimits, clock: Arc<dyn Clock>) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let identity = format!("memory-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(Arc::new(Inner { shelf: Shelf::new(limits, clock, identity), rows: Mutex::new(Some(Contents::default())) }))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::empty(StateLimits::default(), Arc::new(SystemClock))
    }
}

impl Front for Memory {
    type Backend = Inner;

    fn backend(&self) -> &Arc<Inner> {
        &self.0
    }

    async fn end(&self) {
        *self.0.rows.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Backend for Inner {
    fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    fn is_open(&self) -> Result<(), Problem> {
        self.read(Reads::Once, |_| Ok(()))
    }

    fn read<T>(&self, _: Reads, look: impl FnOnce(&dyn Rows) -> Result<T, Problem>) -> Result<T, Problem> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        look(rows.as_ref().ok_or_else(Problem::closed)?)
    }

    async fn write<T: Send + 'static>(
        &self,
        _: Weight,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        work(rows.as_mut().ok_or_else(Problem::closed)?)
    }
}

impl Contents {
    fn keys(&self, owner: &str, namespace: &str) -> Option<&Keys> {
        self.keyed.get(owner)?.get(namespace)
    }

    /// All rows with where they stand.
    fn all(&self) -> impl Iterator<Item = (&String, &String, &String, &Row)> {
        let namespaces = self.keyed.iter().flat_map(|(owner, namespaces)| namespaces.iter().map(move |(name, keys)| (owner, name, keys)));
        namespaces.flat_map(|(owner, name, keys)| keys.iter().map(move |(key, row)| (owner, name, key, row)))
    }

    /// Live rows of a namespace, oldest first.
    fn oldest(&self, owner: &str, namespace: &str, now: u64) -> Vec<(&String, &Row)> {
        let keys = self.keys(owner, namespace).into_iter().flatten();
        let mut rows: Vec<_> = keys.filter(|(_, row)| is_live(row.expires_at, now)).collect();
        rows.sort_by_key(|(key, row)| (row.created_at, *key));
        rows
    }

    fn to_evict(&self, spot: Spot<'_>, evict: u64, now: u64) -> Vec<(&String, &Row)> {
        let evict = usize::try_from(evict).unwrap_or(usize::MAX);
        self.oldest(spot.owner, spot.namespace, now).into_iter().filter(|(key, _)| *key != spot.key).take(evict).collect()
    }

    fn delete(&mut self, owner: &str, namespace: &str, key: &str) {
        let Some(namespaces) = self.keyed.get_mut(owner) else { return };
        let Some(keys) = namespaces.get_mut(namespace) else { return };
        keys.remove(key);
        if keys.is_empty() {
            namespaces.remove(namespace);
        }
    }
}

fn pass<'a>((key, row): (&'a String, &'a Row), visit: &mut dyn FnMut(Passing<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
    visit(Passing { key, value: &row.value, created_at: row.created_at, expires_at: row.expires_at })
}

fn amount<'a>(rows: impl Iterator<Item = &'a Row>) -> Amount {
    rows.fold(Amount::default(), |sum, row| Amount { rows: sum.rows + 1, bytes: sum.bytes + row.value.len() as u64 })
}

impl Rows for Contents {
    fn begin_steps(&mut self) -> Result<(), Problem> {
        Ok(())
    }

    fn end_steps(&mut self, _: bool) -> Result<(), Problem> {
        Ok(())
    }

    fn get(&self, spot: Spot<'_>) -> Result<Option<Row>, Problem> {
        Ok(self.keys(spot.owner, spot.namespace).and_then(|keys| keys.get(spot.key)).cloned())
    }

    fn survey(&self, spot: Spot<'_>, now: u64) -> Result<Survey, Problem> {
        let all = amount(self.keyed.get(spot.owner).into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::values));
        let Some(keys) = self.keys(spot.owner, spot.namespace) else {
            return Ok(Survey { owner_rows: all.rows, owner_bytes: all.bytes, ..Survey::default() });
        };
        Ok(Survey {
            youngest: keys.values().map(|row| row.created_at).max(),
            expired: keys.values().any(|row| !is_live(row.expires_at, now)),
            rows: keys.len() as u64,
            owner_rows: all.rows,
            owner_bytes: all.bytes,
            current: keys.get(spot.key).map(|row| Standing { expires_at: row.expires_at, bytes: row.value.len() as u64 }),
        })
    }

    fn live(&self, owner: &str, namespace: &str, now: u64) -> Result<u64, Problem> {
        Ok(amount(self.keys(owner, namespace).into_iter().flat_map(BTreeMap::values).filter(|row| is_live(row.expires_at, now))).rows)
    }

    fn has_expired(&self, owner: &str, namespace: &str, now: u64) -> Result<bool, Problem> {
        Ok(self.keys(owner, namespace).into_iter().flat_map(BTreeMap::values).any(|row| !is_live(row.expires_at, now)))
    }

    fn expired_of(&self, owner: &str, now: u64) -> Result<Amount, Problem> {
        let rows = self.keyed.get(owner).into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        Ok(amount(rows.filter(|row| !is_live(row.expires_at, now))))
    }

    fn oldest_bytes(&self, spot: Spot<'_>, evict: u64, now: u64) -> Result<u64, Problem> {
        Ok(amount(self.to_evict(spot, evict, now).into_iter().map(|(_, row)| row)).bytes)
    }

    fn scan(&self, owner: &str, namespace: &str, scan: Scan<'_>, now: u64, visit: Visit<'_>) -> Result<(), Problem> {
        let Scan::Keys { start, end, order, limit } = scan else {
            let _ = self.oldest(owner, namespace, now).into_iter().try_for_each(|row| pass(row, visit));
            return Ok(());
        };
        // A map panics at bounds that are upside down.
        let (Some(keys), false) = (self.keys(owner, namespace), end.is_some_and(|end| end <= start)) else { return Ok(()) };
        let bounds = (Bound::Included(start), end.map_or(Bound::Unbounded, Bound::Excluded));
        let rows = keys.range::<str, _>(bounds).filter(|(_, row)| is_live(row.expires_at, now));
        let _ = match order {
            Order::Ascending => rows.take(limit).try_for_each(|row| pass(row, visit)),
            Order::Descending => rows.rev().take(limit).try_for_each(|row| pass(row, visit)),
        };
        Ok(())
    }

    fn usage(&self, now: u64) -> Result<Vec<Usage>, Problem> {
        let namespaces = self.keyed.iter().flat_map(|(owner, namespaces)| namespaces.iter().map(move |(name, keys)| (owner, name, keys)));
        let used = namespaces.map(|(owner, namespace, keys)| {
            let there = amount(keys.values().filter(|row| is_live(row.expires_at, now)));
            let (owner, namespace) = (Owner::stored(owner.clone()), namespace.clone());
            Usage { owner, namespace, rows: there.rows, bytes: there.bytes, expired: keys.len() as u64 - there.rows }
        });
        Ok(used.collect())
    }

    fn export(
        &self,
        after: Option<&RowId>,
        limit: usize,
        now: u64,
        visit: &mut dyn FnMut(RowId, Row) -> ControlFlow<()>,
    ) -> Result<(), Problem> {
        let after = after.map(|id| (id.owner.as_str(), id.namespace.as_str(), id.key.as_str()));
        let rows = self.all().filter(|(owner, namespace, key, row)| {
            is_live(row.expires_at, now) && after.is_none_or(|after| (owner.as_str(), namespace.as_str(), key.as_str()) > after)
        });
        let _ = rows.take(limit).try_for_each(|(owner, namespace, key, row)| {
            visit(RowId { owner: Owner::stored(owner.clone()), namespace: namespace.clone(), key: key.clone() }, row.clone())
        });
        Ok(())
    }

    fn put(&mut self, spot: Spot<'_>, fresh: Fresh<'_>, now: u64) -> Result<(), Problem> {
        let evicted: Vec<String> = self.to_evict(spot, fresh.evict, now).into_iter().map(|(key, _)| key.clone()).collect();
        let keys = self.keyed.entry(spot.owner.to_owned()).or_default().entry(spot.namespace.to_owned()).or_default();
        evicted.iter().for_each(|key| drop(keys.remove(key)));
        self.mark += 1;
        let row =
            Row { value: fresh.value.as_bytes().to_vec(), created_at: fresh.created_at, expires_at: fresh.expires_at, mark: self.mark };
        keys.insert(spot.key.to_owned(), row);
        Ok(())
    }

    fn remove(&mut self, spot: Spot<'_>) -> Result<(), Problem> {
        self.delete(spot.owner, spot.namespace, spot.key);
        Ok(())
    }

    fn clear(&mut self, owner: &str, namespace: &str) -> Result<(), Problem> {
        if let Some(namespaces) = self.keyed.get_mut(owner) {
            namespaces.remove(namespace);
        }
        Ok(())
    }

    fn expire(&mut self, owner: &str, namespace: &str, now: u64) -> Result<(), Problem> {
        let keys = self.keys(owner, namespace).into_iter().flatten();
        let mut expired: Vec<_> =
            keys.filter(|(_, row)| !is_live(row.expires_at, now)).map(|(key, row)| (row.expires_at, key.clone())).collect();
        expired.sort_unstable();
        expired.iter().take(EXPIRY_BATCH).for_each(|(_, key)| self.delete(owner, namespace, key));
        Ok(())
    }

    fn sweep(&mut self, now: u64) -> Result<u64, Problem> {
        let expired = self.all().filter(|(.., row)| !is_live(row.expires_at, now));
        let mut expired: Vec<_> = expired.map(|(o, n, k, row)| (row.expires_at, o.clone(), n.clone(), k.clone())).collect();
        expired.sort_unstable();
        expired.truncate(EXPIRY_BATCH);
        expired.iter().for_each(|(_, owner, namespace, key)| self.delete(owner, namespace, key));
        Ok(expired.len() as u64)
    }

    fn purge(&mut self, owner: &str) -> Result<u64, Problem> {
        Ok(self.keyed.remove(owner).map_or(0, |namespaces| namespaces.values().map(|keys| keys.len() as u64).sum()))
    }
}
