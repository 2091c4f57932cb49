//! Time as the store sees it: milliseconds since 1970, from a clock that tests can set.
//!
//! Reading it costs a system call at most. A clock that runs backwards loses nothing: see `rules` for how rows keep their age.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The last moment that can be stored: the largest integer that every JSON reader keeps exact.
pub const MAX_TIME: u64 = (1 << 53) - 1;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. Values over [`MAX_TIME`] are taken as [`MAX_TIME`].
    fn now(&self) -> u64;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(MAX_TIME))
    }
}

/// A clock that stands until it is set.
#[derive(Debug, Default)]
pub struct TestClock(AtomicU64);

impl TestClock {
    /// A clock that stands at this moment.
    #[must_use]
    pub const fn at(now: u64) -> Self {
        Self(AtomicU64::new(now))
    }

    /// Moves it to this moment, forwards or backwards.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// Moves it forwards.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
