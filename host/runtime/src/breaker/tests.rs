//! Each rule by itself, many threads at once, and random sequences against a model that counts in plain numbers.

use super::*;
use std::sync::{Barrier, mpsc};

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn plugin() -> PluginId {
    PluginId::try_from("no-shell".to_owned()).unwrap()
}

fn closed() -> (Arc<Breaker>, Instant) {
    (Breaker::new(plugin(), BreakerSettings::default()), Instant::now())
}

/// Five faults of usual calls at once.
fn break_it(breaker: &Breaker, now: Instant) -> Option<Turn> {
    (0..5).map(|n| breaker.fault(Pass::Usual, now, format!("trap {n}"))).fold(None, |turn, next| turn.or(next))
}

fn trial(breaker: &Arc<Breaker>, now: Instant) -> Pass {
    let pass = breaker.admit(now).unwrap();
    assert!(matches!(pass, Pass::Trial(_)));
    pass
}

fn opened(nth: u32, s: u64) -> Option<Turn> {
    Some(Turn::Opened { nth, retry_in: seconds(s) })
}

#[test]
fn the_fifth_fault_within_a_minute_opens_it() {
    let (breaker, now) = closed();
    let turns = [0, 15, 30, 45].map(|s| breaker.fault(Pass::Usual, now + seconds(s), "trap"));
    assert_eq!(turns, [None, None, None, None]);
    assert!(matches!(breaker.admit(now + seconds(45)), Ok(Pass::Usual)));
    assert_eq!(breaker.fault(Pass::Usual, now + seconds(60), "trap"), opened(1, 1));
    assert!(breaker.admit(now + seconds(60)).is_err());
}

#[test]
fn faults_that_are_further_apart_do_not_open_it() {
    let (breaker, now) = closed();
    let turns = (0..1_000).filter_map(|n| breaker.fault(Pass::Usual, now + seconds(n * 61 / 4), "trap"));
    assert_eq!(turns.count(), 0);
    assert!(breaker.record().recent.capacity() <= 8, "no more than counts is kept");
}

#[test]
fn a_refusal_says_why_and_until_when() {
    let (breaker, now) = closed();
    break_it(&breaker, now);
    let refused = |breaker: &Arc<Breaker>, after| breaker.admit(now + after).map(drop).unwrap_err().to_string();
    assert_eq!(
        refused(&breaker, Duration::from_millis(400)),
        "5 faults within 60 s, opening 1 of 5, next try in 600 ms; last fault: trap 4"
    );
    let pass = trial(&breaker, now + seconds(1));
    let running = "5 faults within 60 s, opening 1 of 5, a trial call is under way; last fault: trap 4";
    assert_eq!(refused(&breaker, seconds(1)), running);
    assert_eq!(breaker.fault(pass, now + seconds(1), "exit"), opened(2, 2));
    let Err(Refusal::Open { openings, open_for, retry_in, .. }) = breaker.admit(now + Duration::from_millis(1_700)) else { panic!() };
    assert_eq!((openings, open_for, retry_in), (2, Duration::from_millis(700), Some(Duration::from_millis(1_300))));
    assert_eq!(refused(&breaker, Duration::from_millis(1_700)), "5 faults within 60 s, opening 2 of 5, next try in 2 s; last fault: exit");
}

#[test]
fn one_trial_is_let_through_and_one_that_comes_to_nothing_is_let_through_again() {
    let (breaker, now) = closed();
    break_it(&breaker, now);
    let later = now + seconds(1);
    assert!(breaker.admit(now + Duration::from_millis(999)).is_err());
    for _ in 0..3 {
        let pass = trial(&breaker, later);
        assert!(breaker.admit(later).is_err() && breaker.admit(later + seconds(3_600)).is_err());
        assert_eq!(breaker.view(later).state, BreakerState::Trial);
        drop(pass);
        assert_eq!(breaker.view(later).state, BreakerState::Open { retry_in: Duration::ZERO });
    }
    let pass = trial(&breaker, later);
    assert_eq!(breaker.ended_well(pass, later), Some(Turn::Closed));
    let four = [0; 4].map(|_| breaker.fault(Pass::Usual, later, "trap"));
    assert_eq!(four, [None, None, None, None], "faults before the trial are forgotten");
    assert!(matches!(breaker.admit(later), Ok(Pass::Usual)));
}

#[test]
fn a_fault_from_before_it_opened_ends_no_trial() {
    let (breaker, now) = closed();
    let early = breaker.admit(now).unwrap();
    let good = breaker.admit(now).unwrap();
    break_it(&breaker, now);
    let pass = trial(&breaker, now + seconds(1));
    assert_eq!(breaker.fault(early, now + seconds(1), "late"), None);
    assert_eq!(breaker.ended_well(good, now + seconds(1)), None);
    let view = breaker.view(now + seconds(1));
    assert_eq!((view.state, view.openings, view.last_fault.as_deref()), (BreakerState::Trial, 1, Some("late")));
    assert_eq!(breaker.ended_well(pass, now + seconds(1)), Some(Turn::Closed));
}

#[test]
fn each_bad_trial_doubles_the_back_off_and_the_fifth_opening_is_quarantine() {
    let (breaker, mut now) = closed();
    assert_eq!(break_it(&breaker, now), opened(1, 1));
    for (nth, back_off) in [(2, 2), (3, 4), (4, 8)] {
        now += seconds(back_off / 2);
        assert_eq!(breaker.fault(trial(&breaker, now), now, "again"), opened(nth, back_off));
    }
    now += seconds(8);
    let Some(Turn::Quarantined { why }) = breaker.fault(trial(&breaker, now), now, "the last") else { panic!() };
    assert_eq!(&*why, "its breaker opened 5 times; last fault: the last");
    let words = "its breaker opened 5 times; last fault: the last (plugbay reset no-shell)";
    assert_eq!(breaker.admit(now + seconds(1_000_000)).map(drop).unwrap_err().to_string(), words);

    let restarted = Breaker::quarantined(plugin(), BreakerSettings::default(), why);
    assert_eq!(restarted.admit(now).map(drop).unwrap_err().to_string(), words);
    assert_eq!(restarted.view(now).openings, 5);
    for breaker in [breaker, restarted] {
        breaker.reset();
        let fresh = BreakerView { state: BreakerState::Closed, faults_within_window: 0, openings: 0, last_fault: None };
        assert_eq!(breaker.view(now), fresh);
        assert_eq!(break_it(&breaker, now), opened(1, 1));
    }
}

#[test]
fn the_back_off_has_an_end() {
    let settings = BreakerSettings { openings: NonZeroU32::MAX, ..BreakerSettings::default() };
    let back_offs = [1, 2, 6, 7, 8, 40, u32::MAX].map(|nth| settings.back_off(nth).as_secs());
    assert_eq!(back_offs, [1, 2, 32, 60, 60, 60, 60]);
}

#[test]
fn a_minute_without_opening_forgives_the_openings_before() {
    let opens_again_after = |pause| {
        let (breaker, now) = closed();
        break_it(&breaker, now);
        let later = now + seconds(1);
        assert_eq!(breaker.ended_well(trial(&breaker, later), later), Some(Turn::Closed));
        (breaker.view(later + seconds(pause)).openings, break_it(&breaker, later + seconds(pause)))
    };
    assert_eq!(opens_again_after(59), (1, opened(2, 2)));
    assert_eq!(opens_again_after(60), (0, opened(1, 1)));
}

#[test]
fn a_trial_that_outlives_a_reset_decides_nothing() {
    let (breaker, now) = closed();
    break_it(&breaker, now);
    let old = trial(&breaker, now + seconds(1));
    breaker.reset();
    break_it(&breaker, now + seconds(1));
    let new = trial(&breaker, now + seconds(2));
    assert_eq!(breaker.ended_well(old, now + seconds(2)), None);
    assert_eq!(breaker.view(now + seconds(2)).state, BreakerState::Trial);
    assert_eq!(breaker.fault(new, now + seconds(2), "trap"), opened(2, 2));
}

#[test]
fn while_it_is_closed_a_call_takes_no_lock() {
    let (breaker, now) = closed();
    let held = breaker.record();
    let theirs = breaker.clone();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let pass = theirs.admit(now).unwrap();
        tell.send(theirs.ended_well(pass, now))
    });
    let answer = told.recv_timeout(seconds(60)); // only a call that waits for the lock doesn't answer
    drop(held);
    assert_eq!(answer, Ok(None));
}

/// What eight threads get that do the same at the same time.
fn at_once<T: Send>(what: impl Fn() -> T + Sync) -> Vec<T> {
    let start = Barrier::new(8);
    let each = || {
        start.wait();
        what()
    };
    std::thread::scope(|scope| (0..8).map(|_| scope.spawn(each)).collect::<Vec<_>>().into_iter().map(|t| t.join().unwrap()).collect())
}

#[test]
fn of_many_threads_one_is_told_that_it_opened_and_one_gets_the_trial() {
    for round in 0..200 {
        let (breaker, now) = closed();
        let turns: Vec<_> = at_once(|| breaker.fault(Pass::Usual, now, "trap")).into_iter().flatten().collect();
        assert_eq!(turns, [opened(1, 1).unwrap()], "round {round}");
        assert_eq!(breaker.view(now).faults_within_window, 5, "what came too late isn't kept");
        let passes: Vec<_> = at_once(|| breaker.admit(now + seconds(1))).into_iter().flatten().collect();
        assert!(matches!(passes.as_slice(), [Pass::Trial(_)]), "round {round}: {} passes", passes.len());
    }
}

/// The rules in plain numbers: milliseconds, and a list of all faults since it was last closed.
#[derive(Default)]
struct Model {
    faults: Vec<u64>,
    openings: u32,
    closed_at: Option<u64>,
    open_until: Option<u64>,
    trial: Option<u64>,
    trials: u64,
    quarantined: bool,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Answer {
    Usual,
    Trial(u64),
    Refused,
}

impl Model {
    fn admit(&mut self, now: u64) -> Answer {
        match self.open_until {
            _ if self.quarantined || self.trial.is_some() => Answer::Refused,
            None => Answer::Usual,
            Some(until) if now < until => Answer::Refused,
            Some(_) => {
                self.trials += 1;
                self.trial = Some(self.trials);
                Answer::Trial(self.trials)
            }
        }
    }

    fn fault(&mut self, pass: Answer, now: u64) -> Option<Turn> {
        self.faults.push(now);
        let is_open = self.quarantined || self.open_until.is_some();
        let many = self.faults.iter().filter(|at| now - **at <= 60_000).count() >= 5;
        let decides = self.trial.is_some_and(|number| pass == Answer::Trial(number));
        if self.quarantined || is_open && !decides || !is_open && !many {
            return None;
        }
        let forgiven = !is_open && self.closed_at.is_some_and(|at| now - at >= 60_000);
        self.openings = if forgiven { 1 } else { self.openings + 1 };
        self.trial = None;
        if self.openings == 5 {
            self.quarantined = true;
            return Some(Turn::Quarantined { why: "its breaker opened 5 times; last fault: trap".into() });
        }
        let back_off = 1_000 << (self.openings - 1);
        self.open_until = Some(now + back_off);
        Some(Turn::Opened { nth: self.openings, retry_in: Duration::from_millis(back_off) })
    }

    fn ended(&mut self, pass: Answer, well: bool, now: u64) -> Option<Turn> {
        self.trial.filter(|number| pass == Answer::Trial(*number))?;
        self.trial = None;
        if !well {
            return None;
        }
        (self.open_until, self.closed_at) = (None, Some(now));
        self.faults.clear();
        Some(Turn::Closed)
    }

    fn reset(&mut self) {
        *self = Self { trials: self.trials, ..Self::default() };
    }
}

fn answer(admitted: &Result<Pass, Refusal>) -> Answer {
    match admitted {
        Ok(Pass::Usual) => Answer::Usual,
        Ok(Pass::Trial(trial)) => Answer::Trial(trial.number),
        Err(_) => Answer::Refused,
    }
}

/// The next number of a sequence that the seed decides (xorshift).
fn next(seed: &mut u64, below: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 11) % below
}

#[derive(Clone, Copy)]
enum End {
    Fault,
    Well,
    Unserved,
}

/// How a call ends; so many of a hundred with a fault.
fn how(random: &mut u64, faulty: u64) -> End {
    match next(random, 100) {
        n if n < faulty => End::Fault,
        n if n % 10 == 0 => End::Unserved,
        _ => End::Well,
    }
}

/// Ends a call on both. What each says of it.
fn end(breaker: &Breaker, model: &mut Model, pass: Pass, (now, ms): (Instant, u64), how: End) -> (Option<Turn>, Option<Turn>) {
    let number = pass.trial().map_or(Answer::Usual, Answer::Trial);
    match how {
        End::Fault => (breaker.fault(pass, now, "trap"), model.fault(number, ms)),
        End::Well => (breaker.ended_well(pass, now), model.ended(number, true, ms)),
        End::Unserved => {
            drop(pass);
            (None, model.ended(number, false, ms))
        }
    }
}

/// Runs a random sequence on both. How often it opened, was quarantined and closed.
fn play(seed: u64) -> [u32; 3] {
    let (breaker, start) = closed();
    let mut random = seed;
    let (mut model, mut ms, mut under_way, mut turns) = (Model::default(), 0, Vec::new(), [0; 3]);
    let faulty = next(&mut random, 90) + 5; // of a hundred calls
    for step in 0..400 {
        ms += [0, 1, 300, 2_000, 9_000, 61_000][next(&mut random, 6) as usize];
        let now = start + Duration::from_millis(ms);
        if next(&mut random, 60) == 0 {
            breaker.reset();
            model.reset();
        }
        let admitted = breaker.admit(now);
        assert_eq!(answer(&admitted), model.admit(ms), "step {step} of seed {seed}");
        under_way.extend(admitted);
        while under_way.len() > 3 || !under_way.is_empty() && next(&mut random, 2) == 0 {
            let which = next(&mut random, under_way.len() as u64) as usize;
            let (turn, expected) = end(&breaker, &mut model, under_way.swap_remove(which), (now, ms), how(&mut random, faulty));
            assert_eq!(turn, expected, "step {step} of seed {seed}");
            match turn {
                Some(Turn::Opened { .. }) => turns[0] += 1,
                Some(Turn::Quarantined { .. }) => turns[1] += 1,
                Some(Turn::Closed) => turns[2] += 1,
                None => {}
            }
        }
    }
    turns
}

#[test]
fn random_sequences_go_as_the_model_says() {
    let turns = (1..=300).map(|n| play(n << 32 | 0x9e37_79b9)).fold([0; 3], |all, one| [0, 1, 2].map(|i| all[i] + one[i]));
    assert!(turns.iter().all(|times| *times > 100), "every turn is taken many times: {turns:?}");
}
