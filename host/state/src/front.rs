//! What a backend is handed out as, and the faces that it wears: the same for every backend, written once.
//!
//! A call costs one boxed future beside the rules' own time. What fails names the operation that was called.

use crate::error::Operation;
use crate::keyed::{self, reply};
use crate::ledger::{Conflict, Document, Event, HistoryQuery, Record, rules as ledger};
use crate::probe::{self, Probe};
use crate::rows::Backend;
use crate::store::{ExportedRow, KeyedStore, Options, Owner, Reply, RowId, StateStore, Usage};
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

/// A handle on a backend at hand, whose reads are done where they are asked for.
pub(crate) trait Front: fmt::Debug + Send + Sync {
    type Backend: Backend;

    fn backend(&self) -> &Arc<Self::Backend>;

    /// Lets what was accepted finish, and closes.
    fn end(&self) -> impl Future<Output = ()> + Send;
}

impl<F: Front> StateStore for F {
    fn open<'a>(&'a self, owner: &'a Owner, namespace: &'a str, options: Options) -> Reply<'a, Arc<dyn KeyedStore>> {
        reply(Operation::Open, async move {
            self.backend().is_open()?;
            keyed::open(self.backend(), owner, namespace, options)
        })
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn sweep(&self) -> Reply<'_, u64> {
        reply(Operation::Sweep, keyed::sweep(&**self.backend()))
    }

    fn usage(&self) -> Reply<'_, Vec<Usage>> {
        reply(Operation::Usage, async move { keyed::usage(&**self.backend()) })
    }

    fn export<'a>(&'a self, after: Option<&'a RowId>, limit: NonZeroUsize) -> Reply<'a, Vec<ExportedRow>> {
        reply(Operation::Export, async move { keyed::export(&**self.backend(), after, limit) })
    }

    fn purge<'a>(&'a self, owner: &'a Owner) -> Reply<'a, u64> {
        reply(Operation::Purge, keyed::purge(&**self.backend(), owner))
    }

    fn documents<'a>(&'a self, kind: &'a str) -> Reply<'a, Vec<Document>> {
        reply(Operation::Documents, async move { ledger::documents(&**self.backend(), kind) })
    }

    fn document<'a>(&'a self, kind: &'a str, name: &'a str) -> Reply<'a, Option<Document>> {
        reply(Operation::Document, async move { ledger::document(&**self.backend(), kind, name) })
    }

    fn record(&self, record: Record) -> Reply<'_, Result<Vec<u64>, Conflict>> {
        reply(Operation::Record, ledger::record(&**self.backend(), record))
    }

    fn history(&self, query: HistoryQuery) -> Reply<'_, Vec<Event>> {
        reply(Operation::History, async move { ledger::history(&**self.backend(), &query) })
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = Probe> + Send + '_>> {
        Box::pin(async move {
            let mut probe = Probe::default();
            match self.backend().reach(&mut probe) {
                Ok(()) => probe::round_trip(self, probe).await,
                Err(_) => probe,
            }
        })
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.end())
    }
}
