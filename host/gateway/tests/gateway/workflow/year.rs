//! A year by a clock that doesn't wait: every hour, every weekday morning in Berlin, and once.

use super::stage::{Hand, NEW_YEAR, by, done, errand, jobs, jobs_are, session};
use serde_json::json;

const DAY: u64 = 86_400_000;

#[tokio::test]
async fn a_year_has_so_many_hours_and_mornings_and_each_is_run_once() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, plugin) = errand(by(&hand, None), hand.memory()).await;
    session(&stage).await;
    done(&stage, "later", json!({ "cron": "0 9 * * mon-fri", "zone": "Europe/Berlin", "name": "morning" })).await;
    done(&stage, "later", json!({ "cron": "30 2 * * *", "zone": "Europe/Berlin", "name": "night" })).await;
    done(&stage, "later", json!({ "cron": "0 0 29 2 *", "name": "leap" })).await;
    done(&stage, "later", json!({ "at-time": "2027-12-31T23:59:59+01:00", "name": "fireworks" })).await;
    let (mut mornings, mut nights, mut once) = (0, 0, 0);
    loop {
        let due = jobs(&stage).await.into_iter().filter_map(|job| job.next_at.map(|at| (at, job.name.unwrap()))).min().unwrap();
        if due.0 >= NEW_YEAR + 365 * DAY {
            break;
        }
        hand.set(due.0);
        jobs_are(&stage, |jobs| jobs.iter().all(|job| !job.running && job.next_at.is_some_and(|at| at > due.0))).await;
        match due.1.as_str() {
            "morning" => mornings += 1,
            "night" => nights += 1,
            _ => once += 1,
        }
    }
    // 2027 begins on a Friday and has 261 of Monday to Friday; half past two comes once on each of its days, also on those on which clocks are changed.
    assert_eq!((mornings, nights, once), (261, 365, 1));
    let told = plugin.generation().unwrap().counted().find(|(hook, _)| *hook == "timers").map(|(_, counted)| counted.calls);
    assert_eq!(told, Some(261 + 365 + 1), "and the plugin was told of each once");
    assert_eq!(jobs(&stage).await.iter().map(|job| job.name.as_deref().unwrap()).collect::<Vec<_>>(), ["night", "morning", "leap"]);
}
