//! One call of one plugin: a place, a cell, the guest, and what its end means for the generation.
//!
//! A call belongs to the generation that gives it its place: it may have waited at one and be led to the next. It costs two clock readings, a short lock each way and a
//! few counters above the guest's own work. Whatever goes wrong is a [`CallError`], and the plugin goes on either way.

use crate::breaker::{Pass, Refusal, Turn};
use crate::call::Call;
use crate::cell::PluginCell;
use crate::extra::{EXTRA, Extra};
use crate::generation::{Generation, PluginLease};
use crate::grant::Grant;
use crate::hook::{Fired, Hook, Mode};
use crate::host::Alarm;
use crate::plugin::Plugin;
use crate::probation::Verdict;
use crate::to_the_end::Room;
use crate::waits::{Cells, ReEntrant};
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use plugbay_engine::{Budget, CallError, Fault, Isolation, Unserved, Usage};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// A call that gets its cell with less than this part of its time left isn't begun: it would be cut, and the cell lost, for having waited.
const TOO_LATE: u32 = 10;

/// Why a call was cut that nobody wants any more.
const UNWANTED: &str = "whoever asked for it was cancelled";

/// What came of a call of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<O> {
    /// The generation that answered, or would have; none, while none of the plugin serves.
    pub generation: Option<u64>,
    /// Whether the call got a fresh cell of its own, because it couldn't wait for the usual one.
    pub extra_cell: bool,
    /// Bytes of the answer, so far as the plugin decides on them.
    pub bytes: usize,
    /// The answer.
    pub answer: Result<O, CallError>,
}

impl<O> Answered<O> {
    /// A call that no generation serves.
    pub(crate) const fn by_none(error: CallError) -> Self {
        Self { generation: None, extra_cell: false, bytes: 0, answer: Err(error) }
    }
}

/// Asks plugins about one thing, one after the other. What a call has set up, and the next can use, stays in between: the room that it is done in, and the moment at
/// which it was over, which is when the next one begins.
pub struct Asking<H: Hook> {
    room: Room<Answered<H::Outcome>>,
    now: Instant,
}

impl<H: Hook> Asking<H> {
    /// Begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { room: Room::new(), now: Instant::now() }
    }

    /// When it began; once somebody was asked, when the last answer was there.
    #[must_use]
    pub fn now(&self) -> std::time::Instant {
        self.now.into_std()
    }

    /// Calls the hook's handler, as [`Plugin::serve`] does.
    pub async fn ask(&mut self, plugin: &Plugin, call: &Call, event: &Fired<H>) -> Answered<H::Outcome> {
        let answered = plugin.serve_in(self, call, event).await;
        self.now = Instant::now();
        answered
    }
}

impl<H: Hook> Default for Asking<H> {
    fn default() -> Self {
        Self::new()
    }
}

/// Whose generation a call means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meant {
    /// The one that serves when the call's turn comes.
    Serving,
    /// This one, also after it was replaced.
    This,
}

/// Where a call is served.
enum Seat {
    Lease(PluginLease),
    Extra(Extra),
}

impl Seat {
    async fn cell(&mut self, generation: &Generation, budget: &Budget) -> Result<&mut PluginCell, CallError> {
        match self {
            Self::Lease(lease) => generation.occupy(lease, budget).await,
            Self::Extra(extra) => extra.cell(budget).await,
        }
    }
}

impl Generation {
    /// Calls a hook's handler. A caller that stops waiting gives up the answer, not the call: the handler comes to its end or its deadline, unless the call says [until](Call::until) when.
    pub(crate) async fn call<H: Hook>(
        self: Arc<Self>,
        asking: &mut Asking<H>,
        call: &Call,
        event: &Fired<H>,
        meant: Meant,
    ) -> Answered<H::Outcome> {
        let Some(wall) = self.handling::<H>().map(|h| h.budget) else { return self.answered(Ok(H::Outcome::default())) };
        let budget = Budget::from(asking.now, wall, self.parts.blueprint.limits());
        if self.meets {
            Box::pin(self.meet(call, &budget)).await;
        }
        let within = call.0.chain.calls().filter(|(plugin, _)| **plugin == self.manifest().id).count();
        let fresh = self.bay.isolation() == Isolation::Call;
        let replaced = meant == Meant::This && self.ended.get() == Some(&DeactivationReason::Swap);
        if replaced || (within > 0 && !fresh) {
            return Box::pin(self.call_aside(asking, call, event, budget)).await;
        }
        if within > EXTRA {
            self.unserved::<H>();
            return self.answered(Err(Extra::none_left(&self)));
        }
        let lease = match self.place::<H>(call, &budget).await.inspect_err(|_| self.unserved::<H>()) {
            Ok(Some(lease)) => lease,
            Ok(None) => return Box::pin(self.call_aside(asking, call, event, budget)).await,
            Err(unserved) => return self.answered(Err(unserved)),
        };
        if meant == Meant::This && !self.owns(&lease) {
            drop(lease);
            return Box::pin(self.call_aside(asking, call, event, budget)).await;
        }
        let serving = match self.clone().serving(&lease) {
            Ok(serving) => serving,
            Err(error) => return self.answered(Err(error)),
        };
        let left = if lease.waited() { budget.left() } else { wall };
        if left < wall / TOO_LATE {
            serving.unserved::<H>();
            return serving.answered(Err(Unserved::Waited(budget.over()).into()));
        }
        let work = serving.serve::<H>(Seat::Lease(lease), call.clone(), event.wire(), left, budget);
        Answered { extra_cell: within > 0, ..asking.room.finish(work).await }
    }

    /// A place among the usual cells. None: whoever holds them waits for this very call.
    async fn place<H: Hook>(&self, call: &Call, budget: &Budget) -> Result<Option<PluginLease>, CallError> {
        let mut entering = pin!(self.bay.enter(call.0.session.as_ref().map(|s| s.stable_key()), budget));
        if let Poll::Ready(entered) = poll_fn(|context| Poll::Ready(entering.as_mut().poll(context))).await {
            return Ok(entered.map(Some)?);
        }
        if H::MODE == Mode::Observe {
            return Ok(entering.await.map(Some)?);
        }
        // It stands in line already: whoever comes to wait from now on sees it there.
        let cells = Cells { plugin: self.manifest().id.clone(), isolation: self.bay.isolation() };
        let refused = |circle: ReEntrant| Unserved::Closed { code: "re-entrant", why: circle.to_string() };
        let mut waiting = self.waits.for_cell(call, cells, H::NAME).map_err(refused)?;
        Box::pin(async {
            tokio::select! {
                biased;
                entered = entering => Ok(entered.map(Some)?),
                () = waiting.sent_aside() => Ok(None),
            }
        })
        .await
    }

    /// The same in an extra cell, whatever the usual ones are at.
    pub(crate) async fn call_beside<H: Hook>(self: Arc<Self>, call: &Call, event: &Fired<H>) -> Answered<H::Outcome> {
        let Some(wall) = self.handling::<H>().map(|h| h.budget) else { return self.answered(Ok(H::Outcome::default())) };
        let budget = Budget::new(wall, self.parts.blueprint.limits());
        self.call_aside(&mut Asking::new(), call, event, budget).await
    }

    /// The same in an extra cell of this generation.
    async fn call_aside<H: Hook>(
        self: Arc<Self>,
        asking: &mut Asking<H>,
        call: &Call,
        event: &Fired<H>,
        budget: Budget,
    ) -> Answered<H::Outcome> {
        let answered = match Extra::take(self.clone()) {
            Ok(extra) => {
                let work = self.serve::<H>(Seat::Extra(extra), call.clone(), event.wire(), budget.left(), budget);
                asking.room.finish(work).await
            }
            Err(unserved) => {
                self.unserved::<H>();
                self.answered(Err(unserved))
            }
        };
        Answered { extra_cell: true, ..answered }
    }

    pub(crate) fn answered<O>(&self, answer: Result<O, CallError>) -> Answered<O> {
        Answered { generation: Some(self.number()), extra_cell: false, bytes: 0, answer }
    }

    /// Has the plugin's meeting with the session of a call written down, before the plugin could open it by its name. That it can't be keeps no call back.
    async fn meet(&self, call: &Call, budget: &Budget) {
        let Some(session) = call.0.session.as_ref().filter(|session| !self.succession().met.knows(session)) else { return };
        let plugin = &self.manifest().id;
        match timeout_at(budget.deadline, self.parts.guest.services().meet(plugin, session)).await {
            Ok(Ok(())) => self.succession().met.keep(session),
            Ok(Err(e)) => tracing::warn!(%plugin, session = session.stable_key(), "that it met the session isn't remembered: {e}"),
            Err(_) => {
                tracing::warn!(%plugin, session = session.stable_key(), "that it met the session isn't remembered: the call's time was over")
            }
        }
    }

    fn owns(&self, lease: &PluginLease) -> bool {
        std::ptr::eq(lease.tenant().as_ptr(), self)
    }

    /// The generation that a lease belongs to: another one, if the call waited here while that was published.
    fn serving(self: Arc<Self>, lease: &PluginLease) -> Result<Arc<Self>, CallError> {
        if self.owns(lease) {
            return Ok(self);
        }
        lease.tenant().upgrade().ok_or_else(|| Fault::Host("a lease of a generation that is gone".to_owned()).into())
    }

    fn unserved<H: Hook>(&self) {
        if let Some(handled) = self.handling::<H>() {
            handled.tally.unserved();
        }
    }

    async fn serve<H: Hook>(
        self: Arc<Self>,
        mut seat: Seat,
        call: Call,
        event: Arc<H::Wire>,
        left: Duration,
        budget: Budget,
    ) -> Answered<H::Outcome> {
        if let Seat::Lease(lease) = &mut seat {
            self.end(lease.displaced(), DeactivationReason::Idle);
        }
        // A call that waited may have been led to a generation that doesn't handle the hook any more.
        let Some(handled) = self.handling::<H>() else { return self.answered(Ok(H::Outcome::default())) };
        let pass = match self.pass(&budget) {
            Ok(pass) => pass,
            Err(refused) => {
                handled.tally.unserved();
                return self.answered(Err(refused));
            }
        };
        let (until, mut usage, mut bytes) = (call.0.until.clone(), Usage::default(), 0);
        let answer = unless_cancelled(until, async {
            let cell = seat.cell(&self, &budget).await?;
            let answer = cell.handle::<H>(call, self.parts.settings.grants.has(Grant::Conversation), event, left, &budget).await;
            (usage, bytes) = (cell.usage(), cell.returned());
            answer
        })
        .await;
        drop(seat);
        handled.tally.ended(&answer, usage);
        self.judge(pass, answer.as_ref().err(), &budget);
        self.left();
        Answered { bytes, ..self.answered(answer) }
    }

    /// A lease has ended; who waits for the last one is told.
    pub(crate) fn left(&self) {
        if self.ended.get().is_some() {
            self.idle.notify_one();
        }
    }

    /// Whether a call may begin: the generation goes on, and its breaker lets calls through.
    fn pass(&self, budget: &Budget) -> Result<Pass, CallError> {
        // Whoever got a place here before another generation took over is under way. Where none takes over, who hasn't begun doesn't.
        if let Some(reason) = self.ended.get().filter(|reason| **reason != DeactivationReason::Swap) {
            return Err(self.closed(*reason));
        }
        self.breaker.admit(budget.began()).map_err(|refusal| match refusal {
            Refusal::Open { .. } => Unserved::Closed { code: "breaker-open", why: refusal.to_string() }.into(),
            Refusal::Quarantined { .. } => Unserved::Closed { code: "quarantined", why: refusal.to_string() }.into(),
        })
    }

    /// The error of a call that came too late for this generation, and that no other takes over.
    pub(crate) fn closed(&self, reason: DeactivationReason) -> CallError {
        let code = match reason {
            DeactivationReason::Disable => "disabled",
            DeactivationReason::Uninstall => "uninstalled",
            DeactivationReason::Shutdown => "stopping",
            DeactivationReason::Swap | DeactivationReason::Idle => "replaced",
        };
        Unserved::Closed { code, why: format!("plugin `{}` was {code} while the call waited", self.manifest().id) }.into()
    }

    /// What a call's end means for the generation: first whether it stays at all, then whether it is called for a while.
    pub(crate) fn judge(&self, pass: Pass, error: Option<&CallError>, budget: &Budget) {
        let fault = error.filter(|e| e.consequence().counts_as_fault);
        let reached = !matches!(error, Some(CallError::Unserved(_) | CallError::Cut(_)));
        let now = if fault.is_some() { Instant::now() } else { budget.began() };
        if reached
            && let Some(probation) = self.probation.get()
            && let Some(Verdict::Failed { calls, faults }) = probation.ended(fault.is_some(), now)
        {
            let last = fault.map(ToString::to_string).unwrap_or_default();
            self.ring(Alarm::Failed { why: format!("{faults} of {calls} calls on probation faulted; the last one: {last}") });
            return;
        }
        let turn = match fault {
            Some(fault) => self.breaker.fault(pass, now, fault),
            None if reached => self.breaker.ended_well(pass, now),
            None => None,
        };
        match turn {
            Some(Turn::Quarantined { why }) => self.ring(Alarm::Quarantined { why: why.to_string() }),
            Some(Turn::Opened { nth, retry_in }) => {
                tracing::warn!(plugin = %self.manifest().id, nth, ?retry_in, "too many faults: its calls are refused for a while");
            }
            Some(Turn::Closed) => tracing::info!(plugin = %self.manifest().id, "a trial call was good: it is called again"),
            None => {}
        }
    }

    fn ring(&self, alarm: Alarm) {
        (self.bell)(&self.manifest().id, self.number(), alarm);
    }
}

/// Does this, unless it is cancelled before: then it is dropped half-way, which breaks the cell that it is in.
async fn unless_cancelled<T>(until: Option<CancellationToken>, work: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let mut work = pin!(work);
    let Some(until) = until else { return work.await };
    // Boxed, so that the usual call isn't as large as this one.
    let ended = Box::pin(until.run_until_cancelled(work.as_mut())).await;
    ended.unwrap_or_else(|| Err(CallError::Cut(UNWANTED.to_owned())))
}
