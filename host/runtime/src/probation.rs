//! Probation: whether a new generation is good is decided soon after it was published, and once.
//!
//! It lasts for a time or for a number of calls, whichever ends first. If at least some calls have ended and half of them or more faulted, the generation has failed,
//! and whoever is told brings the one before back. Calls that ended and reached the guest count: a fault against it, a good answer and an `Err` for it;
//! what was never served isn't told here.
//!
//! Costs: a lock for each call that ends during it, one relaxed load for each after it. It can't fail, and time is the caller's to give.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a new generation is on probation, and from when on it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbationSettings {
    /// It ends after this time.
    pub time: Duration,
    /// It ends with so many calls.
    pub calls: NonZeroU32,
    /// A generation isn't failed before so many calls have ended; or all of the probation's, if those are fewer.
    pub judged_from: NonZeroU32,
}

impl Default for ProbationSettings {
    fn default() -> Self {
        let n = |more| NonZeroU32::MIN.saturating_add(more);
        Self { time: Duration::from_secs(60), calls: n(99), judged_from: n(4) }
    }
}

impl ProbationSettings {
    /// What so many calls and faults mean, within the time; `None`: not decided.
    fn judge(&self, calls: u32, faults: u32) -> Option<Verdict> {
        if calls >= self.judged_from.min(self.calls).get() && faults >= calls.div_ceil(2) {
            return Some(Verdict::Failed { calls, faults });
        }
        (calls >= self.calls.get()).then_some(Verdict::Passed)
    }
}

/// How a probation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The generation stays.
    Passed,
    /// Too many of its calls faulted.
    Failed {
        /// Calls that had ended.
        calls: u32,
        /// How many of them faulted.
        faults: u32,
    },
}

/// One generation's probation.
pub(crate) struct Probation {
    settings: ProbationSettings,
    /// What a call looks at first. Whoever sees an old `false` finds the truth behind the lock.
    over: AtomicBool,
    standing: Mutex<Standing>,
}

#[derive(Clone, Copy)]
enum Standing {
    None,
    Running { began: Instant, calls: u32, faults: u32 },
    Ended(Verdict),
}

/// A probation at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbationView {
    /// There is none, and was none: the generation was brought back, or is the first after a start.
    None,
    /// It isn't decided.
    Running {
        /// Calls that have ended.
        calls: u32,
        /// How many of them faulted.
        faults: u32,
        /// Calls that are left.
        calls_left: u32,
        /// Time that is left.
        time_left: Duration,
    },
    /// It is over.
    Ended(Verdict),
}

impl Probation {
    /// One that begins now.
    #[must_use]
    pub(crate) const fn new(settings: ProbationSettings, now: Instant) -> Self {
        Self { settings, over: AtomicBool::new(false), standing: Mutex::new(Standing::Running { began: now, calls: 0, faults: 0 }) }
    }

    /// None, for a generation that has nothing to prove.
    #[must_use]
    pub(crate) fn none() -> Self {
        Self { settings: ProbationSettings::default(), over: AtomicBool::new(true), standing: Mutex::new(Standing::None) }
    }

    /// A call that reached the guest has ended. The verdict, for the one caller whose call brought it.
    #[inline]
    pub(crate) fn ended(&self, fault: bool, now: Instant) -> Option<Verdict> {
        if self.over.load(Ordering::Relaxed) { None } else { self.decide(fault, now) }
    }

    fn decide(&self, fault: bool, now: Instant) -> Option<Verdict> {
        let mut standing = self.standing();
        let Standing::Running { began, calls, faults } = &mut *standing else { return None };
        let verdict = if now.saturating_duration_since(*began) >= self.settings.time {
            Verdict::Passed
        } else {
            *calls += 1;
            *faults += u32::from(fault);
            self.settings.judge(*calls, *faults)?
        };
        *standing = Standing::Ended(verdict);
        self.over.store(true, Ordering::Relaxed);
        Some(verdict)
    }

    /// What it looks like now. One whose time is over has passed, even if no call has ended since.
    #[must_use]
    pub(crate) fn view(&self, now: Instant) -> ProbationView {
        match *self.standing() {
            Standing::None => ProbationView::None,
            Standing::Ended(verdict) => ProbationView::Ended(verdict),
            Standing::Running { began, calls, faults } => {
                let time_left = self.settings.time.saturating_sub(now.saturating_duration_since(began));
                if time_left.is_zero() {
                    return ProbationView::Ended(Verdict::Passed);
                }
                ProbationView::Running { calls, faults, calls_left: self.settings.calls.get() - calls, time_left }
            }
        }
    }

    /// A lock whose poison doesn't matter: every critical section here leaves whole values.
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Barrier, mpsc};

    const FAILED_AT_FIVE: Option<Verdict> = Some(Verdict::Failed { calls: 5, faults: 3 });

    fn begun() -> (Probation, Instant) {
        let now = Instant::now();
        (Probation::new(ProbationSettings::default(), now), now)
    }

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn nothing_is_decided_before_the_fifth_call_and_half_of_them_is_enough() {
        let (probation, now) = begun();
        assert_eq!([true, true, true, false].map(|fault| probation.ended(fault, now)), [None; 4]);
        assert_eq!(probation.ended(false, now), FAILED_AT_FIVE);
        assert_eq!(probation.ended(true, now), None, "it is told once");

        let (probation, now) = begun();
        assert_eq!([true, false, true, false, false].map(|fault| probation.ended(fault, now)), [None; 5], "two of five are less than half");
        assert_eq!(probation.ended(true, now), Some(Verdict::Failed { calls: 6, faults: 3 }));
    }

    #[test]
    fn a_hundred_calls_with_fewer_faults_pass_it() {
        let (probation, now) = begun();
        let verdicts: Vec<_> = (0..100).map(|n| probation.ended(n % 20 > 10, now)).collect();
        assert_eq!(verdicts.iter().position(Option::is_some), Some(99));
        assert_eq!(verdicts[99], Some(Verdict::Passed));
        assert_eq!((0..100).find_map(|_| probation.ended(true, now)), None);
        assert_eq!(probation.view(now), ProbationView::Ended(Verdict::Passed));
    }

    #[test]
    fn the_hundredth_call_can_still_fail_it() {
        let (probation, now) = begun();
        // 50 good ones first: at no call before the last are half of them faults.
        let verdicts: Vec<_> = (0..100).map(|n| probation.ended(n >= 50, now)).collect();
        assert_eq!(verdicts.iter().position(Option::is_some), Some(99));
        assert_eq!(verdicts[99], Some(Verdict::Failed { calls: 100, faults: 50 }));
    }

    #[test]
    fn its_time_ends_it_and_what_ends_later_does_not_count() {
        let (probation, began) = begun();
        assert_eq!([true; 4].map(|fault| probation.ended(fault, began + seconds(59))), [None; 4]);
        assert_eq!(
            probation.view(began + seconds(59)),
            ProbationView::Running { calls: 4, faults: 4, calls_left: 96, time_left: seconds(1) }
        );
        assert_eq!(probation.view(began + seconds(60)), ProbationView::Ended(Verdict::Passed));
        assert_eq!(probation.ended(true, began + seconds(60)), Some(Verdict::Passed), "the fifth fault comes too late");
        assert_eq!(probation.ended(true, began), None);
    }

    #[test]
    fn none_decides_nothing() {
        let (probation, now) = (Probation::none(), Instant::now());
        assert_eq!((0..200).find_map(|_| probation.ended(true, now)), None);
        assert_eq!(probation.view(now), ProbationView::None);
    }

    #[test]
    fn a_probation_of_few_calls_is_judged_at_its_end() {
        let three = NonZeroU32::new(3).unwrap();
        let now = Instant::now();
        let probation = Probation::new(ProbationSettings { calls: three, ..ProbationSettings::default() }, now);
        assert_eq!([true; 3].map(|fault| probation.ended(fault, now)), [None, None, Some(Verdict::Failed { calls: 3, faults: 3 })]);
    }

    #[test]
    fn the_verdict_is_told_to_one_of_many_threads() {
        for round in 0..200 {
            let (probation, now) = begun();
            let start = Barrier::new(8);
            let told: Vec<Verdict> = std::thread::scope(|scope| {
                let call = |n: u32| (n + round).is_multiple_of(2);
                let thread = |n: u32| {
                    let (probation, start) = (&probation, &start);
                    scope.spawn(move || {
                        start.wait();
                        (0..20).filter_map(|c| probation.ended(call(n + c), now)).collect::<Vec<_>>()
                    })
                };
                let threads: Vec<_> = (0..8).map(thread).collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(told.len(), 1, "round {round}: {told:?}");
            assert_eq!(probation.view(now), ProbationView::Ended(told[0]));
        }
    }

    #[test]
    fn after_its_end_calls_take_no_lock() {
        let (probation, now) = begun();
        assert_eq!(probation.ended(false, now + seconds(60)), Some(Verdict::Passed));
        let held = probation.standing();
        std::thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            let probation = &probation;
            scope.spawn(move || tell.send(probation.ended(true, now)));
            let answer = told.recv_timeout(seconds(60)); // only a call that waits for the lock doesn't answer
            drop(held);
            assert_eq!(answer, Ok(None));
        });
    }
}
