//! A cell: one store with one instance, with every limit of [`Limits`] on it.
//!
//! A cell serves one call at a time. Anything that goes wrong in the guest poisons the whole store, so a cell that faulted, or whose call was
//! abandoned half-way, is [broken](Cell::is_broken) and has to be dropped; making a new one costs about ten microseconds from a pool. Around the call itself there
//! are: a budget of processor time, a deadline in wall time, a count of host calls, and a net for panics of the host's own code.

use crate::clock::Clock;
use crate::cord::Cord;
use crate::diagnose;
use crate::engine::Engine;
use crate::fault::{CallError, Fault};
use crate::limits::{Limit, Limits, Overrun};
use crate::log::{Lines, Log, lock};
use crate::meter::{Gauge, HasGauge, Slices, tick};
use crate::wasi::{self, World};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, InstancePre, Lift, Lower, ResourceTable, TypedFunc};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// How long one call may take.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// When it ends, waiting and host calls included.
    pub deadline: Instant,
    /// The same as a length, for the error.
    pub wall: Duration,
    /// The guest's processor time.
    pub cpu: Duration,
}

impl Budget {
    /// A budget that begins now.
    #[must_use]
    pub fn new(wall: Duration, limits: &Limits) -> Self {
        Self::from(Instant::now(), wall, limits)
    }

    /// A budget that began at this moment.
    #[must_use]
    pub fn from(now: Instant, wall: Duration, limits: &Limits) -> Self {
        // A year, where the clock can't count as far as was asked.
        let deadline = now.checked_add(wall).unwrap_or(now + Duration::from_secs(31_536_000));
        Self { deadline, wall, cpu: limits.cpu_for(wall) }
    }

    /// When it began.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.deadline.checked_sub(self.wall).unwrap_or(self.deadline)
    }

    /// What is left of it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The error of a call that ran into the deadline.
    #[must_use]
    pub fn over(&self) -> Overrun {
        let late = Instant::now().saturating_duration_since(self.deadline);
        Overrun::time(Limit::WallTime, self.wall + late, self.wall)
    }
}

/// What lives in a cell's store: the host's own data, and what the engine needs for its limits.
pub struct CellState<T> {
    host: T,
    table: ResourceTable,
    wasi: WasiCtx,
    gauge: Gauge,
}

/// What a host function works with.
pub struct Entered<'a, T> {
    /// The host's own data.
    pub host: &'a mut T,
    /// The cell's resources.
    pub table: &'a mut ResourceTable,
}

impl<T> CellState<T> {
    /// The way into every host function: counts the call and lends the cell's data.
    #[inline]
    pub fn enter(&mut self) -> Entered<'_, T> {
        self.gauge.host_call();
        self.lend()
    }

    /// Lends the cell's data to the host itself, between calls.
    pub const fn lend(&mut self) -> Entered<'_, T> {
        Entered { host: &mut self.host, table: &mut self.table }
    }
}

impl<T> HasGauge for CellState<T> {
    fn gauge(&mut self) -> &mut Gauge {
        &mut self.gauge
    }
}

impl<T: Send> WasiView for CellState<T> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.gauge.host_call();
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// What one call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of the guest.
    pub cpu: Duration,
    /// Host calls.
    pub host_calls: usize,
    /// Bytes of memories and tables that the cell has.
    pub memory: usize,
}

/// All that a new cell is made from; made once for a version of a plugin.
pub struct Blueprint<T: 'static> {
    engine: Engine,
    instance: InstancePre<CellState<T>>,
    limits: Arc<Limits>,
    log: Arc<Log>,
    world: World,
    cord: Cord,
    census: Census,
}

/// How many cells of one blueprint there are.
#[derive(Debug, Clone, Default)]
pub struct Census(Arc<AtomicUsize>);

impl Census {
    /// The number at this moment.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether it counts the same cells.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }
}

/// One cell, counted as long as it lives.
struct Counted(Census);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T: Send + 'static> Blueprint<T> {
    /// Cells of this instance, with these limits, that write to this log and see this world.
    #[must_use]
    pub fn new(engine: Engine, instance: InstancePre<CellState<T>>, limits: Arc<Limits>, log: Arc<Log>, world: World) -> Self {
        Self { engine, instance, limits, log, world, cord: Cord::default(), census: Census::default() }
    }

    /// The same, counted together with these, but on another cord: pulling that ends only what was made with it.
    #[must_use]
    pub fn on(&self, cord: Cord) -> Self {
        let Self { engine, instance, limits, log, world, census, .. } = self;
        let (engine, instance, limits, log) = (engine.clone(), instance.clone(), limits.clone(), log.clone());
        Self { engine, instance, limits, log, world: *world, cord, census: census.clone() }
    }

    /// A new cell around `host`. The component's own start code runs in it, on this budget.
    ///
    /// # Errors
    /// A fault of the start code, or [`Unserved::NoRoom`](crate::Unserved::NoRoom).
    pub async fn cell(&self, host: T, budget: &Budget) -> Result<Cell<T>, CallError> {
        let clock = self.engine.clock();
        let (wasi, stderr) = wasi::context(self.world, &self.log);
        let mut table = ResourceTable::new();
        table.set_max_capacity(self.limits.handles.get());
        let gauge = Gauge::new(self.limits.clone(), self.engine.stack());
        let slices = gauge.slices.clone();
        let mut store = Store::new(self.engine.wasm(), CellState { host, table, wasi, gauge });
        store.limiter(|state| &mut state.gauge);
        store.epoch_deadline_callback(tick);
        store.set_hostcall_fuel(self.limits.copied_in.get());
        store.set_max_component_handles(self.limits.handles.get());
        let (cord, counted) = (self.cord.clone(), self.census.enter());
        let mut around = Around { store, slices, stderr, clock: clock.clone(), cord, broken: false, _counted: counted };
        let instance = around.run(budget, async |store| self.instance.instantiate_async(store).await).await?;
        Ok(Cell { around, instance })
    }

    /// The limits of its cells.
    #[must_use]
    pub const fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// The log of its cells.
    #[must_use]
    pub const fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// What ends the calls of its cells from outside.
    #[must_use]
    pub const fn cord(&self) -> &Cord {
        &self.cord
    }

    /// How many of its cells there are.
    #[must_use]
    pub const fn census(&self) -> &Census {
        &self.census
    }
}

/// One store with one instance.
pub struct Cell<T: 'static> {
    around: Around<T>,
    instance: Instance,
}

impl<T: Send + 'static> Cell<T> {
    /// Calls an export.
    ///
    /// # Errors
    /// A fault, after which the cell is broken.
    pub fn call<P, R>(&mut self, func: &TypedFunc<P, R>, params: P, budget: &Budget) -> impl Future<Output = Result<R, CallError>> + Send
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        self.around.run(budget, async move |store| func.call_async(store, params).await)
    }

    /// Looks something up in the instance.
    pub fn look<R>(&mut self, look: impl FnOnce(&mut Store<CellState<T>>, &Instance) -> R) -> R {
        look(&mut self.around.store, &self.instance)
    }

    /// The cell's data, between calls.
    pub fn lend(&mut self) -> Entered<'_, T> {
        self.around.store.data_mut().lend()
    }

    /// The limits on it.
    pub fn limits(&self) -> &Limits {
        self.around.store.data().gauge.limits()
    }

    /// Whether the cell must be dropped: its guest faulted, or its last call was abandoned.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.around.broken
    }

    /// What the last call used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.around.usage()
    }
}

/// The store, and what stands around each run in it.
struct Around<T: 'static> {
    store: Store<CellState<T>>,
    slices: Arc<Slices>,
    stderr: Arc<Mutex<Lines>>,
    clock: Arc<Clock>,
    cord: Cord,
    broken: bool,
    _counted: Counted,
}

impl<T: Send + 'static> Around<T> {
    /// Runs guest code under a budget.
    async fn run<R>(
        &mut self,
        budget: &Budget,
        guest: impl AsyncFnOnce(&mut Store<CellState<T>>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        self.broken = true; // until the guest has come to a good end
        let ticking = self.clock.running();
        self.store.set_epoch_deadline(1);
        self.store.data_mut().gauge.begin_call(budget.cpu);
        lock(&self.stderr).forget_last();
        let ended = {
            let guest = pin!(guest(&mut self.store));
            metered(&self.slices, guest, budget.deadline, &self.cord).await
        };
        drop(ticking);
        let result = ended.map_err(|ended| self.diagnose(ended, budget))?;
        self.broken = false;
        Ok(result)
    }

    fn diagnose(&self, ended: Ended, budget: &Budget) -> CallError {
        match ended {
            Ended::Late => Fault::Limit(budget.over()).into(),
            Ended::Cut(why) => CallError::Cut(why),
            Ended::Host(text) => match self.store.data().gauge.stopped() {
                Some(over) => Fault::Limit(over).into(),
                None => Fault::Host(text).into(),
            },
            Ended::Guest(error) => diagnose::error(&error, &self.store.data().gauge, || lock(&self.stderr).take_last()),
        }
    }

    fn usage(&self) -> Usage {
        let gauge = &self.store.data().gauge;
        Usage { cpu: self.slices.spent(), host_calls: gauge.host_calls(), memory: gauge.memory() }
    }
}

/// Polls guest code: each poll is a slice of its processor time, and a net for panics. Timer and cord are only looked at when the guest has to wait.
fn metered<R>(
    slices: &Slices,
    mut guest: Pin<&mut impl Future<Output = wasmtime::Result<R>>>,
    deadline: Instant,
    cord: &Cord,
) -> impl Future<Output = Result<R, Ended>> {
    let mut stopped: Option<Pin<Box<dyn Future<Output = Ended> + Send>>> = None;
    poll_fn(move |cx| {
        slices.begin();
        let polled = catch_unwind(AssertUnwindSafe(|| guest.as_mut().poll(cx)));
        slices.end();
        match polled {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(result)) => return Poll::Ready(result.map_err(Ended::Guest)),
            Err(panic) => return Poll::Ready(Err(Ended::Host(diagnose::panic_text(&*panic)))),
        }
        let stopped = stopped.get_or_insert_with(|| Box::pin(stop(deadline, cord.clone())));
        stopped.as_mut().poll(cx).map(Err)
    })
}

/// Ends when the call has to.
async fn stop(deadline: Instant, cord: Cord) -> Ended {
    tokio::select! {
        () = sleep_until(deadline) => Ended::Late,
        why = cord.pulled() => Ended::Cut(why),
    }
}

/// How guest code came to a bad end.
enum Ended {
    Guest(wasmtime::Error),
    Host(String),
    Late,
    Cut(String),
}
