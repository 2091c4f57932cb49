//! The breaker: a plugin that keeps faulting isn't called any more, for a while, and in the end not until somebody has looked at it.
//!
//! It is closed, open, on trial or quarantined. So many faults within a window open it. While it is open calls are refused at once, with the last fault's words.
//! After a back-off, twice as long with each opening, one call is let through: if it ends without a fault the breaker closes, if it faults that is the next
//! opening. At the last opening the plugin is quarantined until [`Breaker::reset`].
//!
//! The count of openings, and the back-off with it, starts over when the breaker has been closed for [`BreakerSettings::forgiven_after`]; so a plugin that faults,
//! recovers and soon faults again still comes to its quarantine, and one that fails once a day doesn't. A trial that was good forgets the faults before it.
//!
//! Costs: while it is closed, one atomic load for each call and nothing for its good end; a lock, a few words and no input or output for a fault and for
//! everything while it isn't closed. It can't fail. Time is the caller's to give; times that arrive out of order count as the same moment.

use crate::id::PluginId;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

mod refusal;
#[cfg(test)]
mod tests;

pub(crate) use refusal::Refusal;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many faults within the window open it.
    pub faults: NonZeroU32,
    /// How long a fault counts.
    pub window: Duration,
    /// For how long the first opening refuses calls; each further one does for twice as long as the one before.
    pub first_back_off: Duration,
    /// No opening refuses calls for longer.
    pub longest_back_off: Duration,
    /// At which opening the plugin is quarantined.
    pub openings: NonZeroU32,
    /// How long it has to stay closed until the openings before are forgotten.
    pub forgiven_after: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        let five = NonZeroU32::MIN.saturating_add(4);
        let minute = Duration::from_secs(60);
        Self {
            faults: five,
            window: minute,
            first_back_off: Duration::from_secs(1),
            longest_back_off: minute,
            openings: five,
            forgiven_after: minute,
        }
    }
}

impl BreakerSettings {
    /// For how long the nth opening refuses calls; the first is 1.
    fn back_off(&self, nth: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(nth.saturating_sub(1));
        self.first_back_off.saturating_mul(doubled).min(self.longest_back_off)
    }
}

/// One plugin's breaker.
pub(crate) struct Breaker {
    plugin: PluginId,
    settings: BreakerSettings,
    /// What a call looks at. Changes only under the lock, together with the state.
    closed: AtomicBool,
    record: Mutex<Record>,
}

/// What a breaker knows.
#[derive(Default)]
struct Record {
    state: State,
    /// The faults of the window, oldest first; no more than open it.
    recent: VecDeque<Instant>,
    openings: u32,
    last_fault: Option<Arc<str>>,
    /// How many trials there were, which is also the last one's number.
    trials: u64,
}

#[derive(Clone)]
enum State {
    /// `since` a trial that was good; `None` if it never opened.
    Closed {
        since: Option<Instant>,
    },
    Open(Opening),
    /// A trial call is under way; if it comes to nothing, the opening goes on.
    Trial {
        number: u64,
        opening: Opening,
    },
    Quarantined {
        why: Arc<str>,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { since: None }
    }
}

#[derive(Clone, Copy)]
struct Opening {
    since: Instant,
    back_off: Duration,
}

impl Opening {
    fn lasted(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    fn retry_in(&self, now: Instant) -> Duration {
        self.back_off.saturating_sub(self.lasted(now))
    }
}

/// The right to call the plugin once. Whoever has it says how the call ended, with [`Breaker::fault`] or [`Breaker::ended_well`]; dropping it says that no
/// guest was reached.
#[must_use = "a pass that is dropped says that no guest was reached"]
pub(crate) enum Pass {
    /// A call as any other. Costs nothing to hold and to drop.
    Usual,
    /// The one call that decides whether the breaker closes.
    Trial(Trial),
}

impl Pass {
    /// Which trial it is, if it is one.
    fn trial(&self) -> Option<u64> {
        match self {
            Self::Usual => None,
            Self::Trial(trial) => Some(trial.number),
        }
    }
}

/// A trial call. If it is dropped before its end was told, because the caller went away or no cell was free, the next call is the trial.
pub(crate) struct Trial {
    breaker: Arc<Breaker>,
    number: u64,
}

impl Drop for Trial {
    fn drop(&mut self) {
        let mut record = self.breaker.record();
        if let State::Trial { number, opening } = record.state
            && number == self.number
        {
            record.state = State::Open(opening);
        }
    }
}

/// A change for the worse or the better, told to exactly one caller: who logs it and writes it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It opened.
    Opened {
        /// For which time, since the openings were last forgotten.
        nth: u32,
        /// When a trial call will be let through.
        retry_in: Duration,
    },
    /// The plugin is quarantined.
    Quarantined {
        /// Why; what [`Breaker::quarantined`] takes after a restart.
        why: Arc<str>,
    },
    /// A trial was good.
    Closed,
}

/// A breaker at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerView {
    /// What it does with calls.
    pub state: BreakerState,
    /// Faults that count, up to as many as open it.
    pub faults_within_window: usize,
    /// Openings that aren't forgotten.
    pub openings: u32,
    /// The last fault's words, if there was one since the start or the last reset.
    pub last_fault: Option<Arc<str>>,
}

/// What a breaker does with calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakerState {
    /// It lets them through.
    Closed,
    /// It refuses them.
    Open {
        /// For so long; if that is zero, the next call is the trial.
        retry_in: Duration,
    },
    /// It waits for the end of one, and refuses all others.
    Trial,
    /// It refuses them until it is reset.
    Quarantined {
        /// Why.
        why: Arc<str>,
    },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub(crate) fn new(plugin: PluginId, settings: BreakerSettings) -> Arc<Self> {
        Arc::new(Self { plugin, settings, closed: AtomicBool::new(true), record: Mutex::default() })
    }

    /// The breaker of a plugin that was quarantined before the host was restarted, with what [`Turn::Quarantined`] said.
    #[must_use]
    pub(crate) fn quarantined(plugin: PluginId, settings: BreakerSettings, why: impl Into<Arc<str>>) -> Arc<Self> {
        let record = Record { state: State::Quarantined { why: why.into() }, openings: settings.openings.get(), ..Record::default() };
        Arc::new(Self { plugin, settings, closed: AtomicBool::new(false), record: Mutex::new(record) })
    }

    /// Whether a call may begin now.
    ///
    /// # Errors
    /// The breaker is open or the plugin quarantined.
    #[inline]
    pub(crate) fn admit(self: &Arc<Self>, now: Instant) -> Result<Pass, Refusal> {
        if self.closed.load(Ordering::Acquire) { Ok(Pass::Usual) } else { self.admit_to_trial(now) }
    }

    #[cold]
    fn admit_to_trial(self: &Arc<Self>, now: Instant) -> Result<Pass, Refusal> {
        let mut record = self.record();
        match record.state.clone() {
            State::Closed { .. } => Ok(Pass::Usual), // closed just now
            State::Open(opening) if opening.retry_in(now).is_zero() => {
                record.trials += 1;
                let number = record.trials;
                record.state = State::Trial { number, opening };
                Ok(Pass::Trial(Trial { breaker: self.clone(), number }))
            }
            State::Open(opening) => Err(self.refusal(&record, opening.lasted(now), Some(opening.retry_in(now)))),
            State::Trial { opening, .. } => Err(self.refusal(&record, opening.lasted(now), None)),
            State::Quarantined { why } => Err(Refusal::Quarantined { plugin: self.plugin.clone(), why }),
        }
    }

    fn refusal(&self, record: &Record, open_for: Duration, retry_in: Option<Duration>) -> Refusal {
        Refusal::Open { settings: self.settings, openings: record.openings, open_for, retry_in, last_fault: record.words() }
    }

    /// The call of this pass faulted, in these words: bounded and clean already, as those of a [`Fault`](plugbay_engine::Fault) are. One that began before the
    /// breaker opened changes nothing any more, but it is the last fault.
    pub(crate) fn fault(&self, pass: Pass, now: Instant, words: impl fmt::Display) -> Option<Turn> {
        let words = words.to_string();
        let mut record = self.record();
        record.note(&self.settings, now, words.into());
        let enough = record.recent.len() >= self.settings.faults.get() as usize;
        match record.state {
            State::Closed { .. } if enough => Some(self.open(&mut record, now)),
            State::Trial { number, .. } if pass.trial() == Some(number) => Some(self.open(&mut record, now)),
            _ => None,
        }
    }

    /// The call of this pass reached the guest and ended without a fault; the guest may well have answered `Err`.
    #[inline]
    pub(crate) fn ended_well(&self, pass: Pass, now: Instant) -> Option<Turn> {
        match pass {
            Pass::Usual => None,
            Pass::Trial(trial) => self.end_trial(&trial, now),
        }
    }

    #[cold]
    fn end_trial(&self, trial: &Trial, now: Instant) -> Option<Turn> {
        let mut record = self.record();
        if !matches!(record.state, State::Trial { number, .. } if number == trial.number) {
            return None; // reset meanwhile
        }
        record.recent.clear();
        self.enter(&mut record, State::Closed { since: Some(now) });
        Some(Turn::Closed)
    }

    /// Closes it and forgets everything, as an operator asks for, or as a new version deserves.
    pub(crate) fn reset(&self) {
        let mut record = self.record();
        *record = Record { trials: record.trials, ..Record::default() }; // a trial that is still under way isn't taken for a later one
        self.enter(&mut record, State::default());
    }

    /// Whether it refuses calls until it is reset.
    pub(crate) fn is_quarantined(&self) -> bool {
        !self.closed.load(Ordering::Acquire) && matches!(self.record().state, State::Quarantined { .. })
    }

    /// What it looks like now.
    #[must_use]
    pub(crate) fn view(&self, now: Instant) -> BreakerView {
        let mut record = self.record();
        record.forget(&self.settings, now);
        let state = match &record.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open(opening) => BreakerState::Open { retry_in: opening.retry_in(now) },
            State::Trial { .. } => BreakerState::Trial,
            State::Quarantined { why } => BreakerState::Quarantined { why: why.clone() },
        };
        let (openings, last_fault) = (record.openings, record.last_fault.clone());
        BreakerView { state, faults_within_window: record.recent.len(), openings, last_fault }
    }

    fn open(&self, record: &mut Record, now: Instant) -> Turn {
        record.openings = record.openings.saturating_add(1);
        let nth = record.openings;
        if nth >= self.settings.openings.get() {
            let why: Arc<str> = format!("its breaker opened {nth} times; last fault: {}", record.words()).into();
            self.enter(record, State::Quarantined { why: why.clone() });
            return Turn::Quarantined { why };
        }
        let back_off = self.settings.back_off(nth);
        self.enter(record, State::Open(Opening { since: now, back_off }));
        Turn::Opened { nth, retry_in: back_off }
    }

    /// For states that calls see without the lock.
    fn enter(&self, record: &mut Record, state: State) {
        self.closed.store(matches!(state, State::Closed { .. }), Ordering::Release);
        record.state = state;
    }

    /// A lock whose poison doesn't matter: every critical section here leaves whole values.
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// A fault happened.
    fn note(&mut self, settings: &BreakerSettings, now: Instant, words: Arc<str>) {
        self.forget(settings, now);
        if self.recent.len() >= settings.faults.get() as usize {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.last_fault = Some(words);
    }

    /// Forgets what is too long ago.
    fn forget(&mut self, settings: &BreakerSettings, now: Instant) {
        self.recent.retain(|at| now.saturating_duration_since(*at) <= settings.window);
        if let State::Closed { since: Some(since) } = self.state
            && now.saturating_duration_since(since) >= settings.forgiven_after
        {
            self.openings = 0;
        }
    }

    fn words(&self) -> Arc<str> {
        self.last_fault.clone().unwrap_or_else(|| "none".into())
    }
}
