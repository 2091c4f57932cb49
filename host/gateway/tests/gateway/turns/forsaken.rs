//! Callers that stop waiting in the middle of what they asked for. The state is a file that another thread writes, so that there is a middle.

use super::stage::settings;
use crate::engine;
use futures_util::FutureExt;
use plugbay_gateway::runtime::state::{SessionStore, Sqlite, SqliteSettings, Synchronous};
use plugbay_gateway::{Gateway, TurnAsked};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

async fn gateway(folder: &TempDir) -> (Gateway, Arc<Sqlite>) {
    let full = SqliteSettings { synchronous: Synchronous::Full, ..SqliteSettings::new(folder.path().join("state")) };
    let state = Arc::new(Sqlite::open(full).unwrap());
    let gateway = Gateway::new(engine(), state.clone(), settings()).unwrap();
    gateway.start().await.unwrap();
    (gateway, state)
}

/// Time for the thread that writes.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test]
async fn a_deletion_whose_caller_is_gone_is_done_to_its_end() {
    let folder = TempDir::new().unwrap();
    let (gateway, _) = gateway(&folder).await;
    gateway.turn(TurnAsked::said("s", "test", "say hello")).await.unwrap().ended().await;
    let life = gateway.session("s").await.unwrap().unwrap().id;
    let held = gateway.desk().handles().handle("s", &life);
    assert!(gateway.delete("s").now_or_never().is_none(), "it waits for the disk");
    while gateway.session("s").await.unwrap().is_some() {
        a_while().await;
    }
    // Behind it in the session's line.
    assert!(!gateway.delete("s").await.unwrap());
    assert_eq!(held.key(), None);
}

#[tokio::test]
async fn a_turn_whose_caller_is_gone_before_it_is_prepared_does_not_stay() {
    let folder = TempDir::new().unwrap();
    let (gateway, state) = gateway(&folder).await;
    let runs = async |session: &str| state.runs(session, NonZeroUsize::MIN).await.unwrap();
    for n in 0.. {
        let session = format!("s-{n}");
        let caught = {
            let mut asks = pin!(gateway.prepare_turn(TurnAsked::said(&session, "test", "hello")));
            loop {
                if asks.as_mut().now_or_never().is_some() {
                    break false; // It was prepared before anybody looked.
                }
                a_while().await;
                if !runs(&session).await.is_empty() {
                    break true;
                }
            }
        };
        // Its turn in the line comes when the one before has ended.
        gateway.turn(TurnAsked::said(&session, "test", "say next")).await.unwrap().ended().await;
        let all = state.runs(&session, NonZeroUsize::new(10).unwrap()).await.unwrap();
        assert!(all.iter().all(|run| run.status.as_str() != "running"), "{all:?}");
        if caught {
            return;
        }
    }
}
