//! A version without timers where timers wait: held, and never published by itself.

use super::words;
use crate::services::PluginJob;
use crate::services::fake::timer;
use crate::services::stage::{Stage, handy, with_timers};
use crate::{Fate, Loaded, Order, Reason, ServiceCode, Session, Settings, Standing, Step};
use plugbay_guests::odd::Odd;
use std::time::Duration;

fn later() -> Odd {
    handy().version("handy", "0.2.0")
}

/// A host on which a version with timers serves, and these wait.
async fn stage(waiting: &[&str]) -> Stage {
    let stage = Stage::new();
    stage.put(with_timers(handy()), Stage::granted(), Order::by("operator")).await.unwrap();
    *stage.services.waiting.lock().unwrap() = waiting.iter().map(|id| timer(id)).collect();
    stage
}

fn serving(stage: &Stage) -> String {
    stage.plugin().generation().unwrap().manifest().version.to_string()
}

async fn is_held(stage: &Stage, order: Order) {
    let refused = stage.put(later(), Stage::granted(), order).await.unwrap_err();
    let Reason::Orphans { jobs } = &refused.reason else { panic!("{refused}") };
    assert_eq!(jobs[..], ["`a`, due 1970-01-01T00:00:01Z", "`b`, due 1970-01-01T00:00:01Z"]);
    assert!(refused.step == Step::Gates && refused.reason.is_held());
}

#[tokio::test]
async fn it_is_held_while_the_old_one_serves_and_tried_again_for_who_asks() {
    let stage = stage(&["a", "b"]).await;
    is_held(&stage, Order::automatic("directory")).await;
    let listing = stage.plugin().listing();
    let judged = listing.judged.unwrap();
    assert_eq!((listing.standing, judged.fate, judged.step), (Standing::Active, Fate::Held, Some(Step::Gates)));
    assert!(judged.why.contains("`a`, due") && judged.undecided.is_empty(), "{}", judged.why);
    assert_eq!(serving(&stage), "0.1.0");

    stage.services.asked();
    let rests = stage.put(later(), Stage::granted(), Order::automatic("directory")).await.unwrap();
    assert_eq!((rests.loaded, stage.services.asked().len()), (Loaded::Unchanged, 0), "nobody asked for it");
    is_held(&stage, Order::by("operator")).await;
    is_held(&stage, Order::by("operator").skipping_gates()).await;

    stage.services.waiting.lock().unwrap().clear();
    stage.put(later(), Stage::granted(), Order::by("operator")).await.unwrap();
    assert_eq!(serving(&stage), "0.2.0");
    assert!(stage.plugin().listing().judged.is_none());
}

#[tokio::test]
async fn who_has_timers_or_was_here_before_or_comes_back_is_not_asked_about_them() {
    let stage = stage(&["a"]).await;
    stage.put(with_timers(later()), Stage::granted(), Order::by("operator")).await.unwrap();
    stage.services.waiting.lock().unwrap().clear();
    stage.put(handy().version("handy", "0.3.0"), Stage::granted(), Order::by("operator")).await.unwrap();
    stage.services.waiting.lock().unwrap().push(timer("a"));
    stage.services.asked();

    let other = Settings { drain: Duration::from_secs(1), ..Stage::granted() };
    let third = handy().version("handy", "0.3.0");
    stage.put(third, other, Order::by("operator")).await.unwrap();
    let roll_back = async |expected: &str| {
        stage.plugins.roll_back(Stage::id(), None, Order::by("operator")).await.unwrap();
        assert_eq!(serving(&stage), expected);
    };
    roll_back("0.2.0").await;
    let to = stage.plugin().listing().earlier.iter().find(|kept| kept.version.to_string() == "0.3.0").unwrap().digest;
    stage.plugins.roll_back(Stage::id(), Some(to), Order::by("operator")).await.unwrap();
    assert_eq!(serving(&stage), "0.3.0", "without timers, and back all the same");
    assert_eq!(stage.services.asked().iter().filter(|line| line.starts_with("waiting")).count(), 0);
}

#[tokio::test]
async fn timers_that_are_set_while_it_is_on_its_way_hold_it_too() {
    let stage = stage(&[]).await;
    *stage.services.set_late.lock().unwrap() = vec![timer("a"), timer("b")];
    is_held(&stage, Order::by("operator")).await;
    assert_eq!((serving(&stage), stage.does("j", &Session::new("main", "1")).await.unwrap()), ("0.1.0".into(), Some("job-1".into())));
}

#[tokio::test]
async fn where_nobody_knows_it_is_refused() {
    let stage = stage(&[]).await;
    *stage.services.refuses.lock().unwrap() = Some(ServiceCode::Failed);
    let refused = stage.put(later(), Stage::granted(), Order::by("operator")).await.unwrap_err();
    assert!(refused.step == Step::Gates && matches!(refused.reason, Reason::Gate(_)) && !refused.reason.is_held(), "{refused}");
    assert_eq!((serving(&stage), stage.plugin().listing().judged.unwrap().fate), ("0.1.0".to_owned(), Fate::Refused));
}

#[test]
fn a_timer_is_told_by_id_name_and_time() {
    let named = PluginJob { name: Some("night\n".into()), ..timer("j1") };
    assert_eq!(words(&named), r#"`j1` ("night\n"), due 1970-01-01T00:00:01Z"#);
    assert_eq!(words(&PluginJob { next_at: None, ..timer("j1") }), "`j1`, running for the last time");
    let far = PluginJob { next_at: Some(u64::MAX), ..timer("j1") };
    assert_eq!(words(&far), format!("`j1`, due {} ms after 1970", u64::MAX));
}
