//! A namespace over any backend: checks what comes in, runs the rules inside a transaction, names the operation in what fails.
//!
//! The one implementation of [`KeyedStore`], and the parts of [`crate::StateStore`] that are alike for all backends. A read in place
//! allocates nothing but what it answers; a write costs one boxed future beside the database's own time.

use crate::check;
use crate::error::{Operation, Problem, StateError};
use crate::rows::{Backend, Reads, Row, Scope, Spot, Weight};
use crate::rules::{self, Expected};
use crate::store::{
    Answer, Applied, Change, Comparison, Condition, Entry, ExportedRow, KeyedStore, Observation, Options, Owner, Page, Range, Reply, RowId,
    Usage,
};
use crate::token::Token;
use serde_json::Value;
use std::future::ready;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

#[derive(Debug)]
struct Namespace<B> {
    backend: Arc<B>,
    scope: Arc<Scope>,
}

pub(crate) fn open<B: Backend>(backend: &Arc<B>, owner: &Owner, namespace: &str, options: Options) -> Result<Arc<dyn KeyedStore>, Problem> {
    let shelf = backend.shelf();
    let namespace = check::namespace(namespace, &shelf.limits)?;
    shelf.pins.pin(owner, namespace, options, shelf.limits.namespaces)?;
    let scope = Scope { owner: owner.clone(), namespace: namespace.to_owned(), options, shelf: shelf.clone() };
    Ok(Arc::new(Namespace { backend: backend.clone(), scope: Arc::new(scope) }))
}

pub(crate) fn usage<B: Backend>(backend: &B) -> Result<Vec<Usage>, Problem> {
    let now = backend.shelf().now();
    backend.read(Reads::Once, |rows| rows.usage(now))
}

pub(crate) fn export<B: Backend>(backend: &B, after: Option<&RowId>, limit: NonZeroUsize) -> Result<Vec<ExportedRow>, Problem> {
    let (now, allowed) = (backend.shelf().now(), backend.shelf().limits.result.get());
    let (mut bytes, mut exported) = (0, Vec::new());
    backend.read(Reads::Once, |rows| {
        rows.export(after, limit.get(), now, &mut |id, row| {
            bytes += row.value.len();
            if bytes > allowed && !exported.is_empty() {
                return ControlFlow::Break(());
            }
            exported.push(exported_row(id, row));
            ControlFlow::Continue(())
        })
    })?;
    Ok(exported)
}

fn exported_row(id: RowId, row: Row) -> ExportedRow {
    let corrupt = std::str::from_utf8(&row.value).map_or(true, |text| check::json(text).is_err());
    let value = String::from_utf8_lossy(&row.value).into_owned();
    ExportedRow { id, value, corrupt, created_at: row.created_at, expires_at: row.expires_at }
}

pub(crate) async fn sweep<B: Backend>(backend: &B) -> Result<u64, Problem> {
    let shelf = backend.shelf().clone();
    backend.write(Weight::Many, move |rows| rows.sweep(shelf.now())).await
}

pub(crate) async fn purge<B: Backend>(backend: &B, owner: &Owner) -> Result<u64, Problem> {
    let owner = owner.clone();
    backend.write(Weight::Many, move |rows| rules::purge(rows, &owner)).await
}

impl<B: Backend> Namespace<B> {
    fn key<'a>(&self, key: &'a str) -> Result<&'a str, Problem> {
        check::key(key, &self.scope.shelf.limits)
    }

    fn value(&self, value: &str) -> Result<(), Problem> {
        check::value(value, &self.scope.shelf.limits)
    }

    fn read<T>(&self, look: impl FnOnce(&dyn crate::rows::Rows, &Scope) -> Result<T, Problem>) -> Result<T, Problem> {
        self.backend.read(Reads::Once, |rows| look(rows, &self.scope))
    }

    fn values(&self, keys: &[String]) -> Result<Vec<Result<Option<String>, StateError>>, Problem> {
        check::list(keys.len(), &self.scope.shelf.limits)?;
        let keys = keys.iter().map(|key| self.key(key)).collect::<Result<Vec<_>, _>>()?;
        let values = self.backend.read(Reads::Together, |rows| rules::lookup_many(rows, &self.scope, &keys))?;
        Ok(values.into_iter().map(|value| value.map_err(|corrupt| corrupt.during(Operation::LookupMany))).collect())
    }

    async fn write<T: Send + 'static>(
        &self,
        weight: Weight,
        work: impl FnOnce(&mut dyn crate::rows::Rows, &Scope) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let scope = self.scope.clone();
        self.backend.write(weight, move |rows| work(rows, &scope)).await
    }

    fn expected(&self, namespace: &str, key: &str, seen: &Comparison) -> Result<Expected, Problem> {
        let namespace = check::namespace(namespace, &self.scope.shelf.limits)?;
        let key = self.key(key)?;
        let spot = Spot { owner: self.scope.owner.as_str(), namespace, key };
        let image = Token::read(seen, &self.scope.shelf.identity, spot)?;
        Ok(Expected { namespace: namespace.to_owned(), key: key.to_owned(), image })
    }

    fn scalar(&self, text: &str) -> Result<Value, Problem> {
        self.value(text)?;
        match serde_json::from_str(text) {
            Ok(Value::Array(_) | Value::Object(_)) => {
                Err(Problem::Invalid("only a string, number, boolean or null can be compared with".into()))
            }
            Ok(scalar) => Ok(scalar),
            Err(error) => Err(Problem::Invalid(format!("the scalar can't be read: {error}"))),
        }
    }
}

/// A reply whose failure names this operation.
pub(crate) fn reply<'a, T>(operation: Operation, work: impl Future<Output = Result<T, Problem>> + Send + 'a) -> Reply<'a, T> {
    Box::pin(async move { work.await.map_err(|problem| problem.during(operation)) })
}

/// What was read in place; a failure names this operation.
fn now<'a, T>(operation: Operation, read: Result<T, Problem>) -> Answer<'a, T> {
    Answer::Now(ready(read.map_err(|problem| problem.during(operation))))
}

impl<B: Backend> KeyedStore for Namespace<B> {
    fn register<'a>(&'a self, key: &'a str, value: String, ttl: Option<u64>) -> Reply<'a, ()> {
        reply(Operation::Register, async move {
            let key = self.key(key)?.to_owned();
            self.value(&value)?;
            self.write(Weight::Few, move |rows, scope| rules::register(rows, scope, &key, &value, ttl)).await
        })
    }

    fn register_if_absent<'a>(&'a self, key: &'a str, value: String, ttl: Option<u64>) -> Reply<'a, bool> {
        reply(Operation::RegisterIfAbsent, async move {
            let key = self.key(key)?.to_owned();
            self.value(&value)?;
            self.write(Weight::Few, move |rows, scope| rules::register_if_absent(rows, scope, &key, &value, ttl)).await
        })
    }

    fn lookup<'a>(&'a self, key: &'a str) -> Answer<'a, Option<String>> {
        let value = self.key(key).and_then(|key| self.read(|rows, scope| rules::lookup(rows, scope, key)));
        now(Operation::Lookup, value)
    }

    fn lookup_many<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Result<Option<String>, StateError>>> {
        now(Operation::LookupMany, self.values(keys))
    }

    fn consume<'a>(&'a self, key: &'a str) -> Reply<'a, Option<String>> {
        reply(Operation::Consume, async move {
            let key = self.key(key)?.to_owned();
            self.write(Weight::Few, move |rows, scope| rules::consume(rows, scope, &key)).await
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> Reply<'a, bool> {
        reply(Operation::Delete, async move {
            let key = self.key(key)?.to_owned();
            self.write(Weight::Few, move |rows, scope| rules::delete(rows, scope, &key)).await
        })
    }

    fn entries(&self) -> Answer<'_, Vec<Entry>> {
        now(Operation::Entries, self.read(rules::entries))
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Answer<'a, Page> {
        now(Operation::Range, self.read(|rows, scope| rules::range(rows, scope, range)))
    }

    fn count(&self) -> Answer<'_, u64> {
        now(Operation::Count, self.read(|rows, scope| rows.live(scope.owner.as_str(), &scope.namespace, scope.shelf.now())))
    }

    fn clear(&self) -> Reply<'_, ()> {
        reply(Operation::Clear, self.write(Weight::Many, |rows, scope| rows.clear(scope.owner.as_str(), &scope.namespace)))
    }

    fn observe<'a>(&'a self, key: &'a str) -> Answer<'a, Observation> {
        let seen = self.key(key).and_then(|key| self.read(|rows, scope| rules::observe(rows, scope, key)));
        now(Operation::Observe, seen)
    }

    fn compare_and_apply<'a>(
        &'a self,
        key: &'a str,
        seen: &'a Comparison,
        change: Change,
        conditions: &'a [Condition],
    ) -> Reply<'a, Applied> {
        reply(Operation::CompareAndApply, async move {
            check::list(conditions.len(), &self.scope.shelf.limits)?;
            if let Change::Set { value, .. } = &change {
                self.value(value)?;
            }
            let seen = self.expected(&self.scope.namespace, key, seen)?;
            let others = conditions.iter().map(|c| self.expected(&c.namespace, &c.key, &c.comparison)).collect::<Result<Vec<_>, _>>()?;
            self.write(Weight::Few, move |rows, scope| rules::compare_and_apply(rows, scope, &seen, &change, &others)).await
        })
    }

    fn delete_if_equal<'a>(&'a self, key: &'a str, scalar: &'a str) -> Reply<'a, bool> {
        reply(Operation::DeleteIfEqual, async move {
            let key = self.key(key)?.to_owned();
            let scalar = self.scalar(scalar)?;
            self.write(Weight::Few, move |rows, scope| rules::delete_if_equal(rows, scope, &key, &scalar)).await
        })
    }
}
