//! What a rule is tried on: a backend at time 1,000; each rule is a test on either.

use crate::settings;
use plugbay_state::{Clock, Memory, SessionStore, Sqlite, SqliteSettings, StateLimits, StateStore, TestClock, WorkStore};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tempfile::TempDir;

/// All that a backend can do here.
pub(crate) trait Whole: WorkStore + SessionStore + StateStore {}
impl<T: WorkStore + SessionStore + StateStore> Whole for T {}

/// A backend for one rule.
pub(crate) struct Stage {
    pub(crate) state: Arc<dyn Whole>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) folder: Option<TempDir>,
}

impl Stage {
    pub(crate) fn on_disk() -> Self {
        Self::new(Some(tempfile::tempdir().unwrap()), StateLimits::default())
    }

    pub(crate) fn in_memory() -> Self {
        Self::new(None, StateLimits::default())
    }

    /// In this folder, or in memory.
    fn new(folder: Option<TempDir>, limits: StateLimits) -> Self {
        let clock = Arc::new(TestClock::at(1_000));
        let shared: Arc<dyn Clock> = clock.clone();
        let state: Arc<dyn Whole> = match &folder {
            Some(folder) => Arc::new(Sqlite::open(SqliteSettings { limits, clock: shared, ..settings(folder.path()) }).unwrap()),
            None => Arc::new(Memory::new(limits, shared).unwrap()),
        };
        Self { state, clock, folder }
    }

    /// The same, empty, with answers of so many bytes.
    pub(crate) fn answering(self, bytes: usize) -> Self {
        drop(self.state);
        Self::new(self.folder, StateLimits { result: n(bytes), ..StateLimits::default() })
    }

    /// With a session `main` in its life `l1`.
    pub(crate) async fn with_session(self) -> Self {
        assert!(self.state.ensure_session("main", "l1").await.unwrap().is_new);
        self
    }

    /// The same, and `other`.
    pub(crate) async fn with_sessions(self) -> Self {
        assert!(self.state.ensure_session("other", "l1").await.unwrap().is_new);
        self.with_session().await
    }
}

/// Makes each rule a test on each backend.
macro_rules! rules {
    ($($rule:ident,)*) => {
        mod on_disk {
            $(#[tokio::test] async fn $rule() { super::$rule(crate::stage::Stage::on_disk()).await; })*
        }
        mod in_memory {
            $(#[tokio::test] async fn $rule() { super::$rule(crate::stage::Stage::in_memory()).await; })*
        }
    };
}
pub(crate) use rules;

pub(crate) fn n(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}
