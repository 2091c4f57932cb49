//! Everything at once and at random, and in the end nothing is missing.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A random number below `below`, from a seed that moves on (splitmix64).
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) % below
}

fn bays() -> [(Fakes, usize); 5] {
    let bay = |isolation, places, tenant| (bay(isolation, 8, tenant), places);
    [
        bay(Isolation::Shared, 1, 0),
        bay(Isolation::Shared, 1, 1),
        bay(pool(3), 3, 2),
        bay(Isolation::Session, 65, 3),
        bay(Isolation::Call, 64, 4),
    ]
}

fn one_of<'a>(bays: &'a [(Fakes, usize)], seed: &mut u64) -> &'a Fakes {
    &bays[usize::try_from(random(seed, bays.len() as u64)).unwrap()].0
}

/// What came of the calls of a storm.
#[derive(Default)]
struct Seen {
    served: AtomicUsize,
    waited: AtomicUsize,
    refused: AtomicUsize,
}

async fn blow(bays: Arc<[(Fakes, usize); 5]>, seen: Arc<Seen>, mut seed: u64) {
    let mut waiting = Vec::new();
    let mut leases = Vec::new();
    for _ in 0..2_000 {
        match random(&mut seed, 16) {
            0 => one_of(&*bays, &mut seed).lead_to(one_of(&*bays, &mut seed)),
            1 => waiting.clear(),
            2 | 3 => leases.clear(),
            4 => yield_now().await,
            _ => {
                let session = ["a", "b", "c", "d"].get(usize::try_from(random(&mut seed, 6)).unwrap()).copied();
                waiting.push(come(one_of(&*bays, &mut seed), session));
            }
        }
        let mut still = Vec::new();
        for mut entering in waiting.drain(..) {
            match ask(&mut entering) {
                None => still.push(entering),
                Some(Err(_)) => drop(seen.refused.fetch_add(1, Ordering::Relaxed)),
                Some(Ok(mut lease)) => {
                    if lease.cell().is_none() {
                        lease.furnish(cell(0));
                    }
                    lease.cell().unwrap().spent = random(&mut seed, 8) == 0;
                    seen.served.fetch_add(1, Ordering::Relaxed);
                    seen.waited.fetch_add(usize::from(lease.waited()), Ordering::Relaxed);
                    leases.push(lease);
                }
            }
        }
        waiting = still;
        for (bay, places) in &*bays {
            assert!(bay.at_work() <= *places);
        }
    }
}

/// Every place of every bay can be had at once.
fn nothing_is_missing(bays: &[(Fakes, usize)]) {
    for (bay, places) in bays {
        assert_eq!(bay.at_work(), 0);
        assert!(bay.warm() <= *places);
        shared(9).lead_to(bay);
        let session = |n: usize| (n > 0).then(|| n.to_string());
        let leases: Vec<_> = (0..*places).map(|n| served(&mut come(bay, session(n).as_deref()))).collect();
        assert!(leases.iter().all(|lease| lease.tenant() == &bay.0.tenant));
        assert_eq!(bay.at_work(), *places);
        assert!(ask(&mut come(bay, Some("1"))).is_none(), "there is one place too many");
    }
}

async fn storm(seed: u64) {
    let (bays, seen) = (Arc::new(bays()), Arc::new(Seen::default()));
    let winds: Vec<_> = (0..4).map(|n| tokio::spawn(blow(bays.clone(), seen.clone(), seed + n))).collect();
    for wind in winds {
        wind.await.unwrap();
    }
    nothing_is_missing(&*bays);
    for (what, count) in [("served", &seen.served), ("served after waiting", &seen.waited), ("refused", &seen.refused)] {
        assert!(count.load(Ordering::Relaxed) > 50, "too few were {what} to show anything (seed {seed})");
    }
}

#[tokio::test]
async fn a_storm_loses_no_place() {
    for seed in 0..5 {
        storm(seed * 100).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_on_several_threads_loses_no_place() {
    for seed in 0..10 {
        storm(seed * 100).await;
    }
}

/// Locked in different orders, they would soon wait for each other for ever.
#[test]
fn two_that_lead_to_each_other_at_once_both_come_to_an_end() {
    let (a, b) = (shared(1), shared(2));
    std::thread::scope(|scope| {
        for (from, to) in [(&a, &b), (&b, &a)] {
            scope.spawn(move || (0..50_000).for_each(|_| from.lead_to(to)));
        }
    });
    let leads = |bay: &Fakes| lock(&bay.0.state).leads.is_some();
    assert!(leads(&a) != leads(&b), "one of them serves");
}
