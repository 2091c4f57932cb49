//! `keyed-store`: the plugin's own rows. All rules are the store's; here is only who asks, and whether it may.
//!
//! Which plugin asks comes from the cell. What changes anything answers `not-live` until the cell is live, and everything answers `denied` where the operator
//! said so.

use super::{View, view};
use crate::guest::Guest;
use crate::surface::API;
use crate::wire::Store;
use crate::wire::keyed_store::{self as wire, Error, ErrorCode, Host, HostStore};
use plugbay_engine::CellState;
use plugbay_state::{
    Applied, Change, Code, Comparison, Condition, Entry, KeyedStore, Observation, Options, Order, Overflow, Range, StateError,
};
use std::num::{NonZeroU64, NonZeroUsize};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for View<'_> {}

impl View<'_> {
    /// The namespace behind a handle, for an operation that only reads.
    fn reading(&self, store: &Resource<Store>) -> wasmtime::Result<&dyn KeyedStore> {
        Ok(&*self.table.get(store)?.0)
    }

    /// The value of a row, from a state that reads in place.
    fn looked_up(&self, store: &Resource<Store>, key: &str) -> Answer<Option<String>> {
        match self.reading(store)?.lookup(key) {
            plugbay_state::Answer::Now(read) => Ok(read.into_inner().map_err(told)),
            plugbay_state::Answer::Later(_) => {
                Err(wasmtime::Error::msg("a lookup has to be awaited, of a state that says `reads_in_place`"))
            }
        }
    }

    /// The namespace behind a handle, for an operation that changes it.
    fn writing(&self, store: &Resource<Store>, operation: &str) -> wasmtime::Result<Result<&dyn KeyedStore, Error>> {
        let store = self.reading(store)?;
        Ok(if self.guest.may_write() { Ok(store) } else { Err(not_live(operation)) })
    }
}

/// What an operation that changes something does first.
macro_rules! writing {
    ($view:ident, $store:ident, $operation:literal) => {
        match $view.writing(&$store, $operation)? {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        }
    };
}

/// Defines `lookup` once more, where no read has anything to wait for: a function that can't wait costs the guest less to call than one that might.
pub(super) fn lookup_in_place(linker: &mut Linker<CellState<Guest>>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance(&format!("plugbay:plugin/keyed-store@{API}"))?;
    interface.func_wrap(
        "[method]store.lookup",
        |mut cell: StoreContextMut<'_, CellState<Guest>>, (store, key): (Resource<Store>, String)| {
            Ok((view(cell.data_mut()).looked_up(&store, &key)?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl HostStore for View<'_> {
    async fn open(&mut self, namespace: String, options: wire::Options) -> Answer<Resource<Store>> {
        let Some(state) = self.guest.state() else { return Ok(Err(denied("open"))) };
        let options = match read_options(options) {
            Ok(options) => options,
            Err(error) => return Ok(Err(error)),
        };
        match state.store.open(&state.owner, &namespace, options).await {
            Ok(opened) => Ok(Ok(self.table.push(Store(opened))?)),
            Err(error) => Ok(Err(told(error))),
        }
    }

    async fn register(&mut self, store: Resource<Store>, key: String, value: String, ttl_ms: Option<u64>) -> Answer<()> {
        let store = writing!(self, store, "register");
        Ok(store.register(&key, value, ttl_ms).await.map_err(told))
    }

    async fn register_if_absent(&mut self, store: Resource<Store>, key: String, value: String, ttl_ms: Option<u64>) -> Answer<bool> {
        let store = writing!(self, store, "register-if-absent");
        Ok(store.register_if_absent(&key, value, ttl_ms).await.map_err(told))
    }

    async fn lookup(&mut self, store: Resource<Store>, key: String) -> Answer<Option<String>> {
        let store = self.reading(&store)?;
        Ok(store.lookup(&key).await.map_err(told))
    }

    async fn lookup_many(&mut self, store: Resource<Store>, keys: Vec<String>) -> Answer<Vec<Result<Option<String>, Error>>> {
        let store = self.reading(&store)?;
        let values = store.lookup_many(&keys).await.map_err(told);
        Ok(values.map(|values| values.into_iter().map(|value| value.map_err(told)).collect()))
    }

    async fn consume(&mut self, store: Resource<Store>, key: String) -> Answer<Option<String>> {
        let store = writing!(self, store, "consume");
        Ok(store.consume(&key).await.map_err(told))
    }

    async fn delete(&mut self, store: Resource<Store>, key: String) -> Answer<bool> {
        let store = writing!(self, store, "delete");
        Ok(store.delete(&key).await.map_err(told))
    }

    async fn entries(&mut self, store: Resource<Store>) -> Answer<Vec<wire::Entry>> {
        let store = self.reading(&store)?;
        Ok(store.entries().await.map(|entries| entries.into_iter().map(entry).collect()).map_err(told))
    }

    async fn range(&mut self, store: Resource<Store>, range: wire::KeyRange) -> Answer<wire::Page> {
        let store = self.reading(&store)?;
        let Some(limit) = usize::try_from(range.limit).ok().and_then(NonZeroUsize::new) else {
            return Ok(Err(invalid("range", "`limit` is 0: expected at least 1")));
        };
        let max_bytes = match range.max_bytes.map(|most| usize::try_from(most).unwrap_or(usize::MAX)) {
            Some(0) => return Ok(Err(invalid("range", "`max-bytes` is 0: expected at least 1"))),
            most => most.and_then(NonZeroUsize::new),
        };
        let order = match range.order {
            wire::Order::Ascending => Order::Ascending,
            wire::Order::Descending => Order::Descending,
        };
        let range = Range { start: range.start.as_deref(), end: range.end.as_deref(), limit, max_bytes, order };
        let page = store.range(range).await.map_err(told);
        Ok(page.map(|page| wire::Page { entries: page.entries.into_iter().map(entry).collect(), more: page.more }))
    }

    async fn count(&mut self, store: Resource<Store>) -> Answer<u64> {
        let store = self.reading(&store)?;
        Ok(store.count().await.map_err(told))
    }

    async fn clear(&mut self, store: Resource<Store>) -> Answer<()> {
        let store = writing!(self, store, "clear");
        Ok(store.clear().await.map_err(told))
    }

    async fn observe(&mut self, store: Resource<Store>, key: String) -> Answer<wire::Observation> {
        let store = self.reading(&store)?;
        Ok(store.observe(&key).await.map(observation).map_err(told))
    }

    async fn compare_and_apply(
        &mut self,
        store: Resource<Store>,
        key: String,
        comparison: String,
        change: wire::Change,
        conditions: Vec<wire::Condition>,
    ) -> Answer<wire::Applied> {
        let store = writing!(self, store, "compare-and-apply");
        let change = match change {
            wire::Change::Set(wire::NewValue { value, ttl_ms }) => Change::Set { value, ttl: ttl_ms },
            wire::Change::Keep => Change::Keep,
            wire::Change::Delete => Change::Delete,
        };
        let conditions: Vec<Condition> = conditions.into_iter().map(condition).collect();
        let applied = store.compare_and_apply(&key, &Comparison::new(comparison), change, &conditions).await;
        Ok(applied.map_err(told).map(|applied| match applied {
            Applied::Applied => wire::Applied::Applied,
            Applied::Unchanged => wire::Applied::Unchanged,
            Applied::Conflict(now) => wire::Applied::Conflict(observation(now)),
        }))
    }

    async fn delete_if_equal(&mut self, store: Resource<Store>, key: String, value: String) -> Answer<bool> {
        let store = writing!(self, store, "delete-if-equal");
        Ok(store.delete_if_equal(&key, &value).await.map_err(told))
    }

    async fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

fn read_options(options: wire::Options) -> Result<Options, Error> {
    let wire::Options { max_entries, overflow, default_ttl_ms } = options;
    let entries = usize::try_from(max_entries).ok().and_then(NonZeroUsize::new);
    let max_entries = entries.ok_or_else(|| invalid("open", "`max-entries` is 0: expected at least 1"))?;
    let overflow = match overflow {
        wire::Overflow::EvictOldest => Overflow::EvictOldest,
        wire::Overflow::RejectNew => Overflow::RejectNew,
    };
    let at_least_one = |ms| NonZeroU64::new(ms).ok_or_else(|| invalid("open", "`default-ttl-ms` is 0: expected at least 1"));
    Ok(Options { max_entries, overflow, default_ttl: default_ttl_ms.map(at_least_one).transpose()? })
}

fn entry(entry: Entry) -> wire::Entry {
    let Entry { key, value, created_at, expires_at } = entry;
    wire::Entry { key, value, created_at, expires_at }
}

fn observation(seen: Observation) -> wire::Observation {
    wire::Observation { value: seen.value.map(|entry| entry.value), comparison: seen.comparison.as_str().to_owned() }
}

fn condition(condition: wire::Condition) -> Condition {
    let wire::Condition { namespace, key, comparison } = condition;
    Condition { namespace, key, comparison: Comparison::new(comparison) }
}

/// The store's error, as a guest is told.
fn told(error: StateError) -> Error {
    let code = match error.code {
        Code::OpenFailed => ErrorCode::OpenFailed,
        Code::Unavailable => ErrorCode::Unavailable,
        Code::SchemaUnsupported => ErrorCode::SchemaUnsupported,
        Code::ReadFailed => ErrorCode::ReadFailed,
        Code::Corrupt => ErrorCode::Corrupt,
        Code::LimitExceeded => ErrorCode::LimitExceeded,
        Code::InvalidInput => ErrorCode::InvalidInput,
        // What a later version adds is a failure to write, for all that a guest can do about it.
        _ => ErrorCode::WriteFailed,
    };
    Error { code, operation: error.operation.as_str().to_owned(), message: error.message }
}

fn invalid(operation: &str, message: &str) -> Error {
    Error { code: ErrorCode::InvalidInput, operation: operation.to_owned(), message: message.to_owned() }
}

fn denied(operation: &str) -> Error {
    let message = "the operator denied the grant `state`".to_owned();
    Error { code: ErrorCode::Denied, operation: operation.to_owned(), message }
}

fn not_live(operation: &str) -> Error {
    let message = "the plugin isn't live: nothing can be changed in `activate`, `restore` or a projection".to_owned();
    Error { code: ErrorCode::NotLive, operation: operation.to_owned(), message }
}
