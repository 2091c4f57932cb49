//! Engines that are swapped while many sessions talk.

use super::stage::{calls, does, id, ids, ingested, load, of, serving};
use crate::turns::stage::Stage;
use plugbay_guests::engines::engine;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SESSIONS: usize = 4;
/// Of each session, at least.
const TURNS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn engines_are_swapped_in_the_middle_of_long_conversations_and_nobody_notices() {
    let stage = Arc::new(Stage::started().await);
    stage.toolbox().await;
    let first = serving(&stage, engine('a').foreground(), does(&json!({}))).await;
    let second = load(&stage, engine('b').foreground(), does(&json!({}))).await;
    let over = Arc::new(AtomicBool::new(false));
    let talk = |session: String| {
        let (stage, over) = (stage.clone(), over.clone());
        tokio::spawn(async move {
            for n in 0.. {
                if n >= TURNS && over.load(Ordering::Acquire) {
                    break;
                }
                let answer = stage.answer(&session, &format!("use slow {{\"ms\":100}}\nthen\nsay {n}")).await;
                assert_eq!(answer, n.to_string());
            }
        })
    };
    let talks: Vec<_> = (0..SESSIONS).map(|n| talk(format!("s{n}"))).collect();
    // Other generations of both come while the slot goes back and forth.
    let storm = async {
        for n in 1..=2 {
            let other = json!({ "context-spawn": [{ "nap": n }] });
            load(&stage, engine('b').foreground(), does(&other)).await;
            load(&stage, engine('a').foreground(), does(&other)).await;
        }
        over.store(true, Ordering::Release);
        for talk in talks {
            talk.await.unwrap();
        }
    };
    let back_and_forth = async {
        for name in ["engine-b", "engine-a"].into_iter().cycle() {
            stage.gateway.contexts().set_engine(Some(id(name)));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = storm => {}
        () = back_and_forth => {}
    }
    assert!(stage.gateway.contexts().quarantined().is_empty(), "{:?}", stage.gateway.contexts().quarantined());
    assert_eq!((first.listing().generation, second.listing().generation), (3, 3));

    // Whoever comes back gets what it missed, and each was told everything once, in order, behind what it had found when it came; the oldest calls may not be kept any more.
    for (plugin, name) in [(&first, "engine-a"), (&second, "engine-b")] {
        assert!(!ingested(&calls(&stage, plugin).await).is_empty(), "{name} had its part in it");
        stage.gateway.contexts().set_engine(Some(id(name)));
        for n in 0..SESSIONS {
            stage.answer(&format!("s{n}"), "say last").await;
        }
        let seen = calls(&stage, plugin).await;
        for n in 0..SESSIONS {
            let session = format!("s{n}");
            let of_it: Vec<Value> = seen.iter().filter(|call| call["session"] == json!(session)).cloned().collect();
            let (told, all) = (ingested(&of_it), ids(&stage, &session).await);
            match of(&of_it, "bootstrap")[..] {
                [came] => assert_eq!(told, all[came["event"]["entries"].as_u64().unwrap() as usize..], "{name} {session}"),
                [] => assert!(told.len() > 2 && all.ends_with(&told), "{name} {session}: {told:?} of {all:?}"),
                _ => panic!("{name} came to {session} more than once"),
            }
        }
    }
}
