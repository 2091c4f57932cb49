//! The clock that makes running guests look up: one thread per engine, a tick each millisecond while calls are under way.
//!
//! A tick makes every running guest yield to others and have its budget checked. The thread parks after 100 ms without a call, since an
//! idle ticker would cost 1.7 % of a core, and it ends with the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wasmtime::EngineWeak;

/// How often running guests look up.
pub const TICK: Duration = Duration::from_millis(1);

/// How many ticks without a call it takes until the thread parks.
const IDLE_TICKS: u32 = 100;

#[derive(Debug, Default)]
struct Shared {
    calls: AtomicUsize,
    parked: AtomicBool,
    ended: AtomicBool,
}

/// The engine's clock. Dropping it ends its thread.
pub(crate) struct Clock {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    pub(crate) fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (theirs, weak) = (shared.clone(), engine.weak());
        let thread = thread::Builder::new().name("plugbay-clock".into()).spawn(move || run(&theirs, &weak))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Ticks for as long as the answer lives.
    pub(crate) fn running(&self) -> Running<'_> {
        self.shared.calls.fetch_add(1, SeqCst);
        if self.shared.parked.load(SeqCst) {
            self.wake();
        }
        Running(self)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the clock's thread panicked");
        }
    }
}

/// A call is under way.
pub(crate) struct Running<'a>(&'a Clock);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.shared.calls.fetch_sub(1, SeqCst);
    }
}

fn run(shared: &Shared, engine: &EngineWeak) {
    let mut idle = 0;
    while !shared.ended.load(SeqCst) {
        thread::park_timeout(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        idle = if shared.calls.load(SeqCst) == 0 { idle + 1 } else { 0 };
        if idle >= IDLE_TICKS {
            drop(engine);
            park(shared);
            idle = 0;
        }
    }
}

/// Parks until a call begins or the engine ends. Whoever begins a call counts it first and looks at `parked` then; here `parked` is set first and
/// the count looked at then: one of the two sees the other.
fn park(shared: &Shared) {
    shared.parked.store(true, SeqCst);
    while shared.calls.load(SeqCst) == 0 && !shared.ended.load(SeqCst) {
        thread::park();
    }
    shared.parked.store(false, SeqCst);
}
