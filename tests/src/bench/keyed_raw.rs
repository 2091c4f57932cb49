//! The store that is none: what a raw linker function answers a guest that asks for a row, without looking anywhere.
//!
//! The least that the import itself can cost, with the signature of `keyed-store`: the handle is looked up, the text of the row is copied. What no
//! benchmark asks for traps.

use super::keyed_sql;
use super::raw::State;
use super::raw::wire::plugbay::plugin::keyed_store::{
    Applied, Change, Condition, Entry, Error, Host, HostStore, KeyRange, Observation, Options, Page,
};
use std::sync::Arc;
use wasmtime::component::Resource;

/// What a namespace's handle stands for: the value of every row.
#[allow(unreachable_pub, reason = "the generated code re-exports it")]
pub struct Stored(Arc<str>);

type Answer<T> = wasmtime::Result<Result<T, Error>>;

/// What no benchmark asks for.
fn not_measured<T>(operation: &str) -> Answer<T> {
    Err(wasmtime::Error::msg(format!("the baseline has no `{operation}`")))
}

impl Host for State {}

impl HostStore for State {
    fn open(&mut self, _: String, _: Options) -> Answer<Resource<Stored>> {
        Ok(Ok(self.table.push(Stored(keyed_sql::value().into()))?))
    }

    fn lookup(&mut self, store: Resource<Stored>, _: String) -> Answer<Option<String>> {
        Ok(Ok(Some(self.table.get(&store)?.0.to_string())))
    }

    fn lookup_many(&mut self, store: Resource<Stored>, keys: Vec<String>) -> Answer<Vec<Result<Option<String>, Error>>> {
        let value = &self.table.get(&store)?.0;
        Ok(Ok(keys.iter().map(|_| Ok(Some(value.to_string()))).collect()))
    }

    fn register(&mut self, store: Resource<Stored>, _: String, _: String, _: Option<u64>) -> Answer<()> {
        self.table.get(&store)?;
        Ok(Ok(()))
    }

    fn register_if_absent(&mut self, _: Resource<Stored>, _: String, _: String, _: Option<u64>) -> Answer<bool> {
        not_measured("register-if-absent")
    }

    fn consume(&mut self, _: Resource<Stored>, _: String) -> Answer<Option<String>> {
        not_measured("consume")
    }

    fn delete(&mut self, _: Resource<Stored>, _: String) -> Answer<bool> {
        not_measured("delete")
    }

    fn entries(&mut self, _: Resource<Stored>) -> Answer<Vec<Entry>> {
        not_measured("entries")
    }

    fn range(&mut self, _: Resource<Stored>, _: KeyRange) -> Answer<Page> {
        not_measured("range")
    }

    fn count(&mut self, _: Resource<Stored>) -> Answer<u64> {
        not_measured("count")
    }

    fn clear(&mut self, _: Resource<Stored>) -> Answer<()> {
        not_measured("clear")
    }

    fn observe(&mut self, _: Resource<Stored>, _: String) -> Answer<Observation> {
        not_measured("observe")
    }

    fn compare_and_apply(&mut self, _: Resource<Stored>, _: String, _: String, _: Change, _: Vec<Condition>) -> Answer<Applied> {
        not_measured("compare-and-apply")
    }

    fn delete_if_equal(&mut self, _: Resource<Stored>, _: String, _: String) -> Answer<bool> {
        not_measured("delete-if-equal")
    }

    fn drop(&mut self, store: Resource<Stored>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}
