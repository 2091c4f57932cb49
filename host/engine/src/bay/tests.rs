//! What the line keeps to: order, places, bounds. Futures are polled by hand where it matters who comes first.

use super::*;
use crate::limits::Limits;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::task::yield_now;

#[derive(Debug)]
struct Fake {
    id: u32,
    spent: bool,
}

impl Occupant for Fake {
    fn is_spent(&self) -> bool {
        self.spent
    }
}

type Fakes = Bay<Fake, u32>;
type Leased = Lease<Fake, u32>;
type Entering = Pin<Box<dyn Future<Output = Result<Leased, Unserved>> + Send>>;

fn bay(isolation: Isolation, may_wait: usize, tenant: u32) -> Fakes {
    Bay::new(isolation, may_wait, tenant)
}

fn shared(tenant: u32) -> Fakes {
    bay(Isolation::Shared, usize::MAX, tenant)
}

fn pool(cells: u16) -> Isolation {
    Isolation::Pool(NonZeroU16::new(cells).unwrap())
}

fn cell(id: u32) -> Fake {
    Fake { id, spent: false }
}

fn budget() -> Budget {
    Budget::new(Duration::from_secs(600), &Limits::default())
}

fn soon() -> Budget {
    Budget::new(Duration::from_millis(20), &Limits::default())
}

/// A call that has come, and was served or stands in line.
fn come(bay: &Fakes, session: Option<&str>) -> Entering {
    let (bay, session) = (bay.clone(), session.map(str::to_owned));
    let mut entering: Entering = Box::pin(async move { bay.enter(session.as_deref(), &budget()).await });
    // Whoever is served at once keeps the lease for the next time it is asked.
    if let Some(served) = ask(&mut entering) {
        return Box::pin(std::future::ready(served));
    }
    entering
}

fn turn(bay: &Fakes) -> Entering {
    let bay = bay.clone();
    let mut turning: Entering = Box::pin(async move { bay.turn(&budget()).await });
    assert!(ask(&mut turning).is_none());
    turning
}

fn ask(entering: &mut Entering) -> Option<Result<Leased, Unserved>> {
    match entering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(served) => Some(served),
        Poll::Pending => None,
    }
}

fn served(entering: &mut Entering) -> Leased {
    ask(entering).expect("it still waits").unwrap()
}

/// Lets each call of a shared bay be served in turn, and answers who served them; fails if one is served out of turn.
fn serve_in_turn(mut calls: Vec<Entering>) -> Vec<u32> {
    calls.reverse();
    let mut tenants = Vec::new();
    while let Some(mut first) = calls.pop() {
        let lease = served(&mut first);
        assert!(calls.iter_mut().all(|later| ask(later).is_none()), "served out of turn");
        tenants.push(*lease.tenant());
    }
    tenants
}

#[tokio::test]
async fn who_leaves_hands_the_cell_to_the_first_who_waits() {
    let bay = shared(1);
    let mut first = served(&mut come(&bay, None));
    assert!(!first.waited());
    first.furnish(cell(7));
    let (mut second, mut third) = (come(&bay, None), come(&bay, None));
    assert!(ask(&mut second).is_none() && ask(&mut third).is_none());
    drop(first);
    assert_eq!((bay.at_work(), bay.warm()), (1, 0), "the place and the cell are the second's before it looks");
    let mut second = served(&mut second);
    assert!(second.waited() && ask(&mut third).is_none());
    assert_eq!(second.cell().unwrap().id, 7);
    drop((second, third));
    assert_eq!((bay.at_work(), bay.warm()), (0, 1));
}

#[tokio::test]
async fn who_waits_is_led_on_in_order_and_before_those_who_come_later() {
    let (a, b) = (shared(1), shared(2));
    let (at_a, at_b) = (served(&mut come(&a, None)), served(&mut come(&b, None)));
    let mut calls = vec![come(&b, None), come(&a, None), come(&b, None), come(&a, None)];
    a.lead_to(&b);
    calls.extend([come(&a, None), come(&b, None), come(&a, None)]);
    drop(at_a);
    assert!(calls.iter_mut().all(|call| ask(call).is_none()), "nobody is served where nobody waits any more");
    drop(at_b);
    assert_eq!(serve_in_turn(calls), [2; 7]);
    assert_eq!((a.at_work(), b.at_work()), (0, 0));
}

#[tokio::test]
async fn leading_on_serves_who_can_be_served_at_once() {
    let (a, b) = (shared(1), bay(pool(2), 0, 2));
    let _at_a = served(&mut come(&a, None));
    let mut calls: Vec<_> = (0..4).map(|_| come(&a, None)).collect();
    a.lead_to(&b);
    assert!(matches!(ask(&mut come(&b, None)), Some(Err(Unserved::Busy(_)))), "a newcomer overtook those who were led here");
    let leases: Vec<_> = calls.iter_mut().map(ask).collect();
    assert_eq!(leases.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, false]);
    drop(leases);
    assert!(calls.iter_mut().skip(2).all(|call| *served(call).tenant() == 2));
}

#[tokio::test]
async fn leading_back_is_leading_on() {
    let (a, b) = (shared(1), shared(2));
    let (at_a, at_b) = (served(&mut come(&a, None)), served(&mut come(&b, None)));
    let mut calls = vec![come(&a, None)];
    for _ in 0..3 {
        a.lead_to(&b);
        calls.push(come(&a, None));
        b.lead_to(&a);
        calls.push(come(&b, None));
    }
    a.lead_to(&a);
    drop(at_b);
    assert!(calls.iter_mut().all(|call| ask(call).is_none()), "they wait at the first again");
    drop(at_a);
    assert_eq!(serve_in_turn(calls), [1; 7]);
    let ends = [Arc::downgrade(&a.0), Arc::downgrade(&b.0)];
    drop((a, b));
    assert!(ends.iter().all(|end| end.strong_count() == 0), "they keep each other");
}

#[tokio::test]
async fn a_bay_leads_to_the_last_alone_and_keeps_none_in_between() {
    let first = shared(0);
    let (mut last, mut ends) = (first.clone(), Vec::<Weak<_>>::new());
    for tenant in 1..=1_000 {
        let next = shared(tenant);
        last.lead_to(&next);
        ends.push(Arc::downgrade(&next.0));
        last = next;
    }
    assert_eq!(*served(&mut come(&first, None)).tenant(), 1_000);
    assert_eq!(lock(&last.0.state).signs.len(), 1, "one sign will do for all");
    drop(last);
    assert_eq!(ends.iter().filter(|end| end.strong_count() > 0).count(), 1);
    drop(first);
    assert!(ends.iter().all(|end| end.strong_count() == 0));
}

#[tokio::test]
async fn bays_from_all_sides_lead_to_one_and_their_signs_end_with_them() {
    let (middle, last) = (shared(1), shared(2));
    let sides: Vec<_> = (10..14).map(shared).collect();
    sides.iter().for_each(|side| side.lead_to(&middle));
    middle.lead_to(&last);
    for bay in sides.iter().chain([&middle]) {
        assert_eq!(*served(&mut come(bay, None)).tenant(), 2);
    }
    assert_eq!(lock(&last.0.state).signs.len(), 4, "one for each side, and one of them for the middle");
    drop((sides, middle));
    shared(3).lead_to(&last);
    assert_eq!(lock(&last.0.state).signs.len(), 1, "those of bays that are gone are gone too");
}

#[tokio::test]
async fn a_turn_comes_after_those_before_it_and_those_behind_it_go_where_it_leads() {
    let (a, b) = (shared(1), shared(2));
    let at_a = served(&mut come(&a, None));
    let mut before = [come(&a, None), come(&a, None)];
    let mut turn = turn(&a);
    let mut behind = vec![come(&a, None)];
    drop(at_a);
    for call in &mut before {
        let lease = served(call);
        assert!(ask(&mut turn).is_none(), "its turn hasn't come");
        drop(lease);
    }
    let turn = served(&mut turn);
    behind.push(come(&a, None));
    assert!(behind.iter_mut().all(|call| ask(call).is_none()));
    let first_at_b = served(&mut come(&b, None));
    a.lead_to(&b);
    drop(turn);
    assert!(behind.iter_mut().all(|call| ask(call).is_none()), "the new one isn't ready before its first lease has ended");
    drop(first_at_b);
    assert_eq!(serve_in_turn(behind), [2, 2]);
}

#[tokio::test]
async fn a_turn_is_never_refused_because_the_line_is_full() {
    let bay = bay(Isolation::Shared, 0, 1);
    let first = served(&mut come(&bay, None));
    assert!(matches!(ask(&mut come(&bay, None)), Some(Err(Unserved::Busy(_)))));
    let mut turn = turn(&bay);
    drop(first);
    served(&mut turn);
}

#[tokio::test]
async fn a_turn_that_leads_nowhere_or_never_comes_changes_nothing() {
    let a = shared(1);
    let at_a = served(&mut come(&a, None));
    let mut calls = vec![come(&a, None)];
    let mut turn = turn(&a);
    calls.extend([come(&a, None), come(&a, None)]);
    assert!(matches!(a.turn(&soon()).await, Err(Unserved::Waited(_))));
    calls.push(come(&a, None));
    drop(at_a);
    drop(served(&mut calls.remove(0)));
    let turn = served(&mut turn);
    assert!(calls.iter_mut().all(|call| ask(call).is_none()));
    drop(turn);
    assert_eq!(serve_in_turn(calls), [1; 3]);
}

#[tokio::test]
async fn who_gives_up_takes_nothing_with_it() {
    let bay = bay(Isolation::Shared, 2, 1);
    let mut first = served(&mut come(&bay, None));
    first.furnish(cell(1));
    let (gone, mut second) = (come(&bay, None), come(&bay, None));
    drop(gone);
    let third = come(&bay, None);
    assert!(matches!(ask(&mut come(&bay, None)), Some(Err(Unserved::Busy(over))) if (over.observed, over.allowed) == (3, 2)));
    drop(first);
    let second = served(&mut second);
    drop(second);
    assert_eq!(bay.at_work(), 1, "the third's, though it didn't look yet");
    let mut fourth = come(&bay, None);
    drop(third);
    assert_eq!(served(&mut fourth).cell().map(|c| c.id), Some(1), "what the third was given and never took");
    drop(fourth);
    assert_eq!((bay.at_work(), bay.warm()), (0, 1));
}

#[tokio::test]
async fn a_long_line_of_those_who_gave_up_is_left_behind_in_one_go() {
    let bay = shared(1);
    let first = served(&mut come(&bay, None));
    let gone: Vec<_> = (0..100_000).map(|_| come(&bay, None)).collect();
    drop(gone);
    let mut last = come(&bay, None);
    drop(first);
    served(&mut last);
}

#[tokio::test]
async fn call_keeps_no_cell() {
    let bay = bay(Isolation::Call, 0, 1);
    served(&mut come(&bay, None)).furnish(cell(1));
    assert_eq!((bay.warm(), bay.at_work()), (0, 0));
}

#[tokio::test]
async fn waiting_ends_at_the_deadline_wherever_the_line_has_moved() {
    let (a, b) = (shared(1), shared(2));
    let (at_a, at_b) = (served(&mut come(&a, None)), served(&mut come(&b, None)));
    let bay = a.clone();
    let late = tokio::spawn(async move { bay.enter(None, &soon()).await.map(|_| ()) });
    yield_now().await;
    a.lead_to(&b);
    let patient = come(&a, None);
    assert!(matches!(late.await.unwrap(), Err(Unserved::Waited(_))));
    drop((at_a, at_b));
    assert_eq!(serve_in_turn(vec![patient]), [2]);
}

#[tokio::test]
async fn who_is_led_on_is_never_too_many_but_a_newcomer_is() {
    let (a, b) = (shared(1), bay(Isolation::Shared, 1, 2));
    let (_at_a, at_b) = (served(&mut come(&a, None)), served(&mut come(&b, None)));
    let calls: Vec<_> = (0..5).map(|_| come(&a, None)).collect();
    a.lead_to(&b);
    assert!(matches!(ask(&mut come(&a, None)), Some(Err(Unserved::Busy(over))) if (over.observed, over.allowed) == (6, 1)));
    drop(at_b);
    assert_eq!(serve_in_turn(calls), [2; 5]);
}

#[tokio::test]
async fn each_finds_its_sessions_place_where_it_is_led() {
    let (a, b, c) = (shared(1), bay(Isolation::Session, usize::MAX, 2), shared(3));
    let _at_a = served(&mut come(&a, None));
    let mut calls: Vec<_> = [Some("x"), Some("y"), Some("x"), None, None].map(|session| come(&a, session)).into();
    a.lead_to(&b);
    let mut leases: Vec<_> = calls.iter_mut().map(ask).collect();
    assert_eq!(leases.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true, false]);
    drop(leases.remove(0));
    assert!(ask(&mut calls[4]).is_none(), "it isn't about session x");
    drop(served(&mut calls[2]));
    let more = [come(&b, Some("y")), come(&b, Some("y"))];
    b.lead_to(&c);
    let rest = calls.drain(4..).chain(more).collect();
    assert_eq!(serve_in_turn(rest), [3; 3], "where sessions share a cell, they take turns");
}

#[tokio::test]
async fn of_too_many_sessions_at_once_the_first_is_served_when_any_ends_and_keeps_its_cell() {
    let bay = bay(Isolation::Session, usize::MAX, 1);
    let mut leases: Vec<_> = (0..64).map(|n| served(&mut come(&bay, Some(&n.to_string())))).collect();
    for (id, lease) in (0..).zip(&mut leases) {
        lease.furnish(cell(id));
    }
    let (mut new, mut again, mut common) = (come(&bay, Some("new")), come(&bay, Some("7")), come(&bay, None));
    assert!(ask(&mut new).is_none());
    drop(served(&mut common));
    drop(leases.remove(7));
    let mut lease = served(&mut new);
    assert!(lease.cell().is_none() && lease.displaced().is_empty(), "the only idle cell is one that is waited for");
    assert!(ask(&mut again).is_none());
    drop(lease);
    assert_eq!(served(&mut again).cell().map(|c| c.id), Some(7));
    drop(leases);
    assert_eq!((bay.at_work(), bay.warm()), (0, 64));
    let mut lease = served(&mut come(&bay, Some("new")));
    assert_eq!(lease.displaced().iter().map(|c| c.id).collect::<Vec<_>>(), [0], "the least recently used");
    drop(lease);
    assert!(served(&mut come(&bay, Some("newer"))).displaced().is_empty(), "a session that had no cell leaves nothing behind");
    assert_eq!(bay.warm(), 63);
}

#[tokio::test]
async fn a_lost_cell_is_replaced_once() {
    let bay = bay(pool(2), 0, 1);
    served(&mut come(&bay, None)).furnish(Fake { id: 1, spent: true });
    let replaces = served(&mut come(&bay, None)).replaces_lost();
    assert!(replaces, "but nothing was put in");
    let (mut one, two) = (served(&mut come(&bay, None)), served(&mut come(&bay, None)));
    assert!(one.replaces_lost() && !two.replaces_lost());
    one.furnish(cell(2));
    assert!(!one.replaces_lost());
    drop((one, two));
    assert!(!served(&mut come(&bay, None)).replaces_lost());
}

mod order;
mod storm;
