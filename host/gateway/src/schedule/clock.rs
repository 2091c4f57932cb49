//! The schedule's clock: the system's, or one that tests move.

use plugbay_runtime::state::{Clock, SystemClock};
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

/// How long the system's clock is trusted not to be set: after that it is looked at again.
const TRUST: Duration = Duration::from_secs(30);

/// A clock that can be waited for.
pub trait ScheduleClock: fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since 1970. It has to be the state's clock, too.
    fn now(&self) -> u64;

    /// Waits until this moment, or for less: who waits looks at the clock again.
    fn until(&self, moment: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl ScheduleClock for SystemClock {
    fn now(&self) -> u64 {
        Clock::now(self)
    }

    fn until(&self, moment: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let left = Duration::from_millis(moment.saturating_sub(Clock::now(self)));
        Box::pin(tokio::time::sleep(left.min(TRUST)))
    }
}
