//! What a call uses, while it runs: processor time by slices, host calls by count, memory by growth.
//!
//! A *slice* is the time between two moments at which a guest gives the thread back. A slice that follows a tick is measured in the thread's
//! processor time; the first one, which is nearly always the only one, by the wall clock, since that costs a tenth. Where the wall clock says more than
//! a guest can do without a tick, the machine may have stood still: then it counts for no more than the thread has worked since shortly before. A guest
//! therefore dies by its own use: what others do on the machine isn't counted, nor is what they leave it waiting for.
//!
//! wasm looks up at loops and at the beginning of functions only, so straight code that does nothing but call the host is stopped where it enters the host: by
//! unwinding with [`Stopped`], which wasmtime carries through the guest's frames and [`crate::cell`] catches.

use crate::limits::{Limit, Limits, Overrun};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};

/// Processor time of a call. Shared by the poll loop around the call, the tick inside it, and the yield between the two.
#[derive(Debug)]
pub(crate) struct Slices {
    origin: Instant,
    /// When the slice at hand began, in nanoseconds of its clock; zero: none is under way.
    began: AtomicU64,
    /// Thread processor time shortly before the slice at hand began.
    worked: AtomicU64,
    /// Whether `began` is thread processor time; else wall time since `origin`.
    by_thread: AtomicU64,
    spent: AtomicU64,
    allowed: AtomicU64,
}

impl Slices {
    pub(crate) fn new() -> Arc<Self> {
        let zero = || AtomicU64::new(0);
        Arc::new(Self { origin: Instant::now(), began: zero(), worked: zero(), by_thread: zero(), spent: zero(), allowed: zero() })
    }

    /// A call begins that may use this much.
    pub(crate) fn begin_call(&self, allowed: Duration) {
        self.spent.store(0, Relaxed);
        self.began.store(0, Relaxed);
        self.allowed.store(nanos(allowed), Relaxed);
    }

    /// A slice begins, by the wall clock.
    pub(crate) fn begin(&self) {
        let now = Instant::now();
        self.by_thread.store(0, Relaxed);
        self.worked.store(thread_time_before(now, self.sure()), Relaxed);
        self.began.store(nanos(now - self.origin).max(1), Relaxed);
    }

    /// The slice at hand goes on as a slice by the thread's clock.
    fn begin_by_thread(&self) {
        self.by_thread.store(1, Relaxed);
        self.began.store(thread_time().max(1), Relaxed);
    }

    /// The slice at hand ends, if there is one.
    pub(crate) fn end(&self) {
        self.spent.fetch_add(nanos(self.at_hand()), Relaxed);
        self.began.store(0, Relaxed);
    }

    /// What the call has used so far.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Relaxed))
    }

    /// The budget, if the call has used it up, with the slice at hand.
    fn overrun(&self) -> Option<Overrun> {
        let allowed = Duration::from_nanos(self.allowed.load(Relaxed));
        let used = self.spent() + self.at_hand();
        (used > allowed).then(|| Overrun::time(Limit::CpuTime, used, allowed))
    }

    /// What is taken for processor time because the wall clock says so: [`SURE`], and never so much of the budget that a pause alone uses it up.
    fn sure(&self) -> Duration {
        SURE.min(Duration::from_nanos(self.allowed.load(Relaxed) / 2))
    }

    /// How long the slice at hand has lasted.
    fn at_hand(&self) -> Duration {
        let began = self.began.load(Relaxed);
        if began == 0 {
            return Duration::ZERO;
        }
        if self.by_thread.load(Relaxed) == 1 {
            return Duration::from_nanos(thread_time().saturating_sub(began));
        }
        let took = self.origin.elapsed().saturating_sub(Duration::from_nanos(began));
        if took <= self.sure() {
            return took;
        }
        took.min(Duration::from_nanos(thread_time().saturating_sub(self.worked.load(Relaxed))))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Processor time of this thread.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// The most that is taken for processor time because the wall clock says so. It is many ticks.
const SURE: Duration = Duration::from_millis(50);

/// Processor time of this thread at some moment before this one, but no longer before than this.
fn thread_time_before(now: Instant, most: Duration) -> u64 {
    thread_local! {
        static SEEN: Cell<Option<(Instant, u64)>> = const { Cell::new(None) };
    }
    match SEEN.get() {
        Some((at, time)) if now.saturating_duration_since(at) <= most => time,
        _ => {
            let time = thread_time();
            SEEN.set(Some((now, time)));
            time
        }
    }
}

/// Host calls after which a guest's processor time is looked at.
const CALLS_PER_LOOK: usize = 16;

/// What unwinds out of a host call that was one too many.
pub(crate) struct Stopped;

#[cfg(panic = "abort")]
compile_error!("plugbay-engine stops guests by unwinding: build with `panic = \"unwind\"`");

/// What a cell has and a call uses, as seen from inside the store.
pub(crate) struct Gauge {
    pub(crate) slices: Arc<Slices>,
    limits: Arc<Limits>,
    /// Native stack that the engine gives a call.
    stack: NonZeroUsize,
    memory: usize,
    /// Bytes of the last growth that was allowed, to be taken back if the growth itself fails.
    last_growth: usize,
    host_calls: usize,
    /// The limit that stopped the call.
    stopped: Option<Overrun>,
    /// The first growth that was refused: the guest's to cope with, or to die of.
    refused: Option<Overrun>,
}

/// Bytes of a table's element.
const ELEMENT: usize = 8;

impl Gauge {
    pub(crate) fn new(limits: Arc<Limits>, stack: NonZeroUsize) -> Self {
        Self { slices: Slices::new(), limits, stack, memory: 0, last_growth: 0, host_calls: 0, stopped: None, refused: None }
    }

    pub(crate) fn begin_call(&mut self, cpu: Duration) {
        self.slices.begin_call(cpu);
        self.host_calls = 0;
        self.stopped = None;
        self.refused = None;
    }

    /// Counts a host call. One too many ends the call; so does, each few calls, processor time that was used up between them.
    #[inline]
    pub(crate) fn host_call(&mut self) {
        self.host_calls += 1;
        if self.host_calls.is_multiple_of(CALLS_PER_LOOK) || self.host_calls > self.limits.host_calls.get() {
            self.look_up();
        }
    }

    fn look_up(&mut self) {
        let allowed = self.limits.host_calls.get();
        let too_many = (self.host_calls > allowed).then(|| Overrun::count(Limit::HostCalls, self.host_calls, allowed));
        if let Some(over) = too_many.or_else(|| self.slices.overrun()) {
            self.stopped.get_or_insert(over);
            resume_unwind(Box::new(Stopped));
        }
    }

    pub(crate) const fn memory(&self) -> usize {
        self.memory
    }

    pub(crate) const fn host_calls(&self) -> usize {
        self.host_calls
    }

    pub(crate) const fn stack(&self) -> NonZeroUsize {
        self.stack
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The limit that stopped the call.
    pub(crate) fn stopped(&self) -> Option<Overrun> {
        self.stopped.clone()
    }

    /// The first growth that the call was refused.
    pub(crate) fn refused(&self) -> Option<Overrun> {
        self.refused.clone()
    }

    fn grow(&mut self, by: usize) -> bool {
        let wanted = self.memory.saturating_add(by);
        let allowed = self.limits.memory.get();
        if wanted > allowed {
            self.refused.get_or_insert(Overrun::count(Limit::Memory, wanted, allowed));
            return false;
        }
        self.memory = wanted;
        self.last_growth = by;
        true
    }

    /// A growth that was allowed didn't happen: the engine or the machine had no room.
    fn growth_failed(&mut self) {
        let wanted = self.memory;
        self.memory = self.memory.saturating_sub(std::mem::take(&mut self.last_growth));
        self.refused.get_or_insert(Overrun::count(Limit::Memory, wanted, self.memory));
    }
}

impl ResourceLimiter for Gauge {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // What the module itself forbids is no matter of ours.
        Ok(maximum.is_none_or(|max| desired <= max) && self.grow(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.growth_failed();
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let by = desired.saturating_sub(current).saturating_mul(ELEMENT);
        Ok(maximum.is_none_or(|max| desired <= max) && self.grow(by))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.growth_failed();
        Ok(())
    }

    fn instances(&self) -> usize {
        self.limits.core_instances.get()
    }

    fn tables(&self) -> usize {
        self.limits.tables.get()
    }

    fn memories(&self) -> usize {
        self.limits.memories.get()
    }
}

/// What a guest does at a tick: it yields, unless it has used up what it may.
pub(crate) fn tick<T: HasGauge>(mut cx: StoreContextMut<'_, T>) -> wasmtime::Result<UpdateDeadline> {
    let gauge = cx.data_mut().gauge();
    gauge.slices.end();
    gauge.stopped = gauge.stopped.take().or_else(|| gauge.slices.overrun());
    if gauge.stopped.is_some() {
        return Ok(UpdateDeadline::Interrupt);
    }
    let slices = gauge.slices.clone();
    let next = async move {
        tokio::task::yield_now().await;
        slices.begin_by_thread();
    };
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(next)))
}

/// Store data with a gauge in it.
pub(crate) trait HasGauge {
    fn gauge(&mut self) -> &mut Gauge;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: Duration = Duration::from_millis(300);

    fn slices() -> Arc<Slices> {
        let slices = Slices::new();
        slices.begin_call(MANY / 2);
        slices
    }

    fn works(time: Duration) {
        let until = thread_time() + nanos(time);
        while thread_time() < until {}
    }

    #[test]
    fn a_machine_that_stands_still_uses_up_nobodys_budget() {
        let slices = slices();
        slices.begin();
        std::thread::sleep(MANY);
        assert!(slices.overrun().is_none(), "{slices:?}");
        slices.end();
        assert!(slices.spent() < MANY / 2, "{slices:?}");
    }

    #[test]
    fn work_counts_whole_by_either_clock() {
        let slices = slices();
        slices.begin();
        works(MANY);
        assert!(slices.overrun().is_some_and(|over| over.observed >= 300), "{slices:?}");
        slices.end();
        slices.begin_by_thread();
        works(MANY);
        slices.end();
        assert!(slices.spent() >= MANY * 2, "{slices:?}");
    }

    #[test]
    fn a_pause_doesnt_use_up_a_small_budget_either() {
        let slices = Slices::new();
        slices.begin_call(SURE / 5);
        slices.begin();
        std::thread::sleep(SURE / 4);
        assert!(slices.overrun().is_none(), "{slices:?}");
    }

    #[test]
    fn the_threads_clock_is_looked_at_now_and_then() {
        let now = Instant::now();
        let seen = thread_time_before(now, SURE);
        works(Duration::from_millis(1));
        assert_eq!(thread_time_before(now + SURE, SURE), seen);
        assert!(thread_time_before(now + SURE * 2, SURE) > seen);
    }

    #[test]
    fn what_the_thread_did_for_others_before_counts_for_little() {
        let slices = slices();
        slices.begin();
        slices.end();
        works(MANY);
        slices.begin_call(MANY / 2);
        slices.begin();
        std::thread::sleep(MANY);
        slices.end();
        assert!(slices.spent() <= SURE * 2, "{slices:?}");
    }
}
