//! A version that would leave timers without anybody to tell.

use super::stage::{Hand, NEW_YEAR, by, done, errand, granted, jobs, session};
use plugbay_gateway::runtime::{Order, Source, Standing, Wanted};
use plugbay_guests::built;
use serde_json::json;

#[tokio::test]
async fn it_is_held_and_says_which_and_the_old_one_serves() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, plugin) = errand(by(&hand, None), hand.memory()).await;
    session(&stage).await;
    done(&stage, "later", json!({ "cron": "0 9 * * *", "name": "morning" })).await;
    done(&stage, "later", json!({ "turn": "say x", "after-ms": 1_000 })).await;
    let id = plugin.id().clone();
    let bare = || Wanted::running(Source::file(built::ERRAND_BARE), granted());
    let refused = stage.gateway.plugins().apply(id.clone(), bare(), Order::by("test")).await.unwrap_err().to_string();
    assert!(refused.contains("morning") && refused.contains("`timers`"), "{refused}");
    assert_eq!((plugin.standing(), plugin.generation().unwrap().manifest().version.to_string().as_str()), (Standing::Active, "1.0.0"));
    let listed = jobs(&stage).await.into_iter().find(|job| job.kind == "timer").unwrap();
    assert!(stage.gateway.schedule().remove_job(&listed.id).await.unwrap());
    stage.gateway.plugins().apply(id, bare(), Order::by("test")).await.unwrap();
    assert_eq!(plugin.generation().unwrap().manifest().version.to_string(), "2.0.0");
    assert_eq!(jobs(&stage).await.len(), 1, "the turn stays");
}
