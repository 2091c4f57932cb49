//! A generation: one version of a plugin with one set of settings, ready to run.
//!
//! A call belongs to the generation that gives it its place. When another generation is published, who waits here is led there, in order, and who is under
//! way ends here; then what is left of the cells is deactivated. A call costs two clock readings, a short lock each way and a few counters
//! above the guest's own work.

use crate::breaker::{Breaker, Pass, Refusal, Turn};
use crate::call::Call;
use crate::cell::PluginCell;
use crate::grant::Grant;
use crate::guest::Guest;
use crate::hook::{Fired, Hook};
use crate::host::{Alarm, Bell, Host};
use crate::manifest::Manifest;
use crate::probation::{Probation, Verdict};
use crate::registration::Registration;
use crate::settings::Settings;
use crate::surface::Surface;
use crate::tally::{Counted, Tally};
use crate::to_the_end::ToTheEnd;
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use plugbay_engine::{Bay, Blueprint, Budget, CallError, Census, Digest, Fault, Lease, Unserved, Usage};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// A call that gets its cell with less than this part of its time left isn't begun: it would be cut, and the cell lost, for having waited.
const TOO_LATE: u32 = 10;

/// One generation's place for its cells. They are boxed, since each call takes one out and puts it back.
pub(crate) type PluginBay = Bay<Box<PluginCell>, Weak<Generation>>;
/// The right to one of them.
pub(crate) type PluginLease = Lease<Box<PluginCell>, Weak<Generation>>;

/// One version of a plugin with one set of settings.
pub struct Generation {
    pub(crate) parts: Parts,
    pub(crate) bay: PluginBay,
    pub(crate) previous: Option<semver::Version>,
    pub(crate) number: AtomicU64,
    pub(crate) breaker: Arc<Breaker>,
    /// Begins with publication.
    pub(crate) probation: OnceLock<Probation>,
    pub(crate) ended: OnceLock<DeactivationReason>,
    /// Rung when a call of a generation that has ended is over.
    pub(crate) idle: Notify,
    bell: Bell,
    pub(crate) tasks: TaskTracker,
}

/// What a generation is made of.
pub(crate) struct Parts {
    pub(crate) manifest: Manifest,
    pub(crate) digest: Digest,
    pub(crate) surface: Surface,
    pub(crate) registration: Registration,
    pub(crate) settings: Settings,
    pub(crate) blueprint: Blueprint<Guest>,
    pub(crate) guest: Guest,
    /// The hooks that it handles: it exports them, and was granted what they need.
    pub(crate) handled: Vec<Handled>,
}

/// Where a generation comes from.
#[derive(Clone)]
pub(crate) struct Lineage<'a> {
    /// What it is to replace.
    pub(crate) previous: Option<&'a Generation>,
    /// Why the component was quarantined when the host stopped, if it was.
    pub(crate) quarantined: Option<String>,
    /// Whether it begins anew with a closed breaker, though it may be the same component with other settings.
    pub(crate) afresh: bool,
}

/// A hook that a generation handles.
pub(crate) struct Handled {
    name: &'static str,
    budget: Duration,
    tally: Arc<Tally>,
}

impl Handled {
    pub(crate) fn new(name: &'static str, budget: Duration) -> Self {
        Self { name, budget, tally: Arc::default() }
    }
}

/// A value without these texts in it.
fn hidden(value: &Value, secrets: &[String]) -> Value {
    let is_secret = |text: &str| secrets.iter().any(|s| s == text);
    match value {
        Value::Array(items) => items.iter().map(|v| hidden(v, secrets)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, v)| (name.clone(), hidden(v, secrets))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::String(text) if is_secret(text) => Value::from("(secret)"),
        other if is_secret(&other.to_string()) => Value::from("(secret)"),
        other => other.clone(),
    }
}

impl Generation {
    /// A generation that nobody is served by yet. A breaker that belongs to the same component goes on with it.
    pub(crate) fn new(host: &Host, parts: Parts, lineage: Lineage<'_>) -> Arc<Self> {
        let Lineage { previous, quarantined, afresh } = lineage;
        let (id, same) = (parts.manifest.id.clone(), previous.filter(|p| !afresh && p.digest() == parts.digest));
        let breaker = match (same, quarantined) {
            (Some(same), _) => same.breaker.clone(),
            (None, Some(why)) => Breaker::quarantined(id, host.breaker, why),
            (None, None) => Breaker::new(id, host.breaker),
        };
        let (isolation, waiting) = (parts.settings.isolation, parts.settings.limits.waiting);
        Arc::new_cyclic(|tenant| Self {
            bay: Bay::new(isolation, waiting, tenant.clone()),
            previous: previous.map(|g| g.manifest().version.clone()),
            number: AtomicU64::new(0),
            breaker,
            probation: OnceLock::new(),
            ended: OnceLock::new(),
            idle: Notify::new(),
            bell: host.bell.clone(),
            tasks: host.tasks.clone(),
            parts,
        })
    }

    /// Its manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.parts.manifest
    }

    /// What identifies its component.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.parts.digest
    }

    /// Which of the plugin's generations it is; 0 before it is published.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// What its component imports and exports.
    #[must_use]
    pub const fn surface(&self) -> &Surface {
        &self.parts.surface
    }

    /// What it registered.
    #[must_use]
    pub const fn registration(&self) -> &Registration {
        &self.parts.registration
    }

    /// What the operator decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    /// The plugin's own settings, its secrets hidden.
    #[must_use]
    pub fn shown_config(&self) -> Value {
        hidden(&Value::Object(self.parts.settings.config.clone()), self.parts.guest.config().secrets())
    }

    /// The grants that it asks for: those that it has, and those that were denied.
    #[must_use]
    pub fn grants(&self) -> (BTreeSet<Grant>, BTreeSet<Grant>) {
        self.parts.surface.grants().into_iter().partition(|g| self.parts.settings.grants.has(*g))
    }

    /// Whether a higher version was replaced.
    #[must_use]
    pub fn is_downgrade(&self) -> bool {
        self.previous.as_ref().is_some_and(|previous| self.manifest().version < *previous)
    }

    /// How many of its calls ended in a fault.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.counted().map(|(_, counted)| counted.faults).sum()
    }

    /// What each hook that it handles has done so far.
    pub fn counted(&self) -> impl Iterator<Item = (&'static str, Counted)> {
        self.parts.handled.iter().map(|h| (h.name, h.tally.counted()))
    }

    /// The hooks that it handles, with their budgets.
    pub fn handled(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        self.parts.handled.iter().map(|h| (h.name, h.budget))
    }

    /// How many of its cells are warm.
    #[must_use]
    pub fn warm_cells(&self) -> usize {
        self.bay.warm()
    }

    /// Whether it handles this hook: it exports it, and was granted what the hook needs.
    #[must_use]
    pub fn handles<H: Hook>(&self) -> bool {
        self.handling::<H>().is_some()
    }

    pub(crate) const fn breaker(&self) -> &Arc<Breaker> {
        &self.breaker
    }

    pub(crate) const fn bay(&self) -> &PluginBay {
        &self.bay
    }

    pub(crate) const fn census(&self) -> &Census {
        self.parts.blueprint.census()
    }

    /// Its probation, once it is published.
    pub(crate) fn probation(&self) -> Option<&Probation> {
        self.probation.get()
    }

    pub(crate) fn has_handover(&self) -> bool {
        self.parts.surface.exports.contains("handover")
    }

    fn handling<H: Hook>(&self) -> Option<&Handled> {
        self.parts.handled.iter().find(|h| h.name == H::NAME)
    }

    /// Calls a hook's handler. A caller that stops waiting gives up the answer, not the call: the handler comes to its end or its deadline.
    pub(crate) async fn call<H: Hook>(self: Arc<Self>, call: &Call, event: &Fired<H>) -> Result<H::Outcome, CallError> {
        let Some(wall) = self.handling::<H>().map(|h| h.budget) else { return Ok(H::Outcome::default()) };
        let budget = Budget::new(wall, self.parts.blueprint.limits());
        let entered = self.bay.enter(call.0.session.as_ref().map(|s| s.stable_key()), &budget).await;
        let lease = entered.inspect_err(|_| self.unserved::<H>())?;
        let serving = self.serving(&lease)?;
        let left = if lease.waited() { budget.left() } else { wall };
        if left < wall / TOO_LATE {
            serving.unserved::<H>();
            return Err(Unserved::Waited(budget.over()).into());
        }
        ToTheEnd::new(serving.serve::<H>(lease, call.clone(), event.wire(), left, budget)).await
    }

    /// The generation that a lease belongs to: another one, if the call waited here while that was published.
    fn serving(self: Arc<Self>, lease: &PluginLease) -> Result<Arc<Self>, CallError> {
        if std::ptr::eq(lease.tenant().as_ptr(), Arc::as_ptr(&self)) {
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
        mut lease: PluginLease,
        call: Call,
        event: Arc<H::Wire>,
        left: Duration,
        budget: Budget,
    ) -> Result<H::Outcome, CallError> {
        self.end(lease.displaced(), DeactivationReason::Idle);
        // A call that waited may have been led to a generation that doesn't handle the hook any more.
        let Some(handled) = self.handling::<H>() else { return Ok(H::Outcome::default()) };
        let pass = self.pass(&budget).inspect_err(|_| handled.tally.unserved())?;
        let mut usage = Usage::default();
        let answer = async {
            let cell = self.occupy(&mut lease, &budget).await?;
            let answer = cell.handle::<H>(&call, self.parts.settings.grants.has(Grant::Conversation), event, left, &budget).await;
            usage = cell.usage();
            answer
        }
        .await;
        drop(lease);
        handled.tally.ended(&answer, usage);
        self.judge(pass, answer.as_ref().err(), &budget);
        self.left();
        answer
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
    fn closed(&self, reason: DeactivationReason) -> CallError {
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
