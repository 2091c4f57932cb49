//! The slot of the context engine: who is wanted, who serves, and what operators see of it.

use crate::house::*;
use plugbay_daemon::api::types::{SlotView, Standing, TurnRequest};
use plugbay_daemon::host::Host;
use plugbay_daemon::tokens::{Caller, Scope};
use plugbay_guests::engines::engine;

const GRANTED: &str = "grants = { conversation = true, prompt = true }\n";

fn house(more: &str) -> House {
    let house = House::patient(&format!("[plugins.engine-a]\n{GRANTED}[plugins.engine-b]\n{GRANTED}{more}"));
    for letter in ['a', 'b'] {
        house.place(&format!("engine-{letter}"), &engine(letter).build().unwrap());
    }
    house
}

async fn start(house: &House) -> Host {
    let host = house.start().await;
    for id in ["engine-a", "engine-b"] {
        standing(&host, id, Standing::Active).await;
    }
    host
}

fn slot(host: &Host) -> SlotView {
    host.slots().slots.remove(0)
}

/// Calls of a plugin since its generation began to serve.
fn calls(host: &Host, id: &str) -> u64 {
    listed(host, id).unwrap().calls
}

async fn says_so(host: &Host) {
    let asked = TurnRequest { text: "say so".to_owned(), message_id: None, channel: None };
    let turn = host.turn("s", asked, &Caller { name: "alice".to_owned(), scope: Scope::Write }).await.unwrap();
    assert_eq!(turn.ended().await.message.as_deref(), Some("so"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_serves_from_the_next_turn_on_and_the_file_says_who() {
    let house = house("");
    let host = start(&house).await;
    assert_eq!((slot(&host).preferred, slot(&host).serving.as_str()), (None, "builtin"));
    says_so(&host).await;
    assert_eq!(calls(&host, "engine-a") + calls(&host, "engine-b"), 0);

    let filled = host.fill("context-engine", Some("engine-a".to_owned()), me()).await.unwrap();
    assert_eq!((filled.preferred.as_deref(), filled.serving.as_str(), filled.why), (Some("engine-a"), "engine-a", None));
    says(&house.text(), &["context-engine = \"engine-a\""]);
    says_so(&host).await;
    let before = calls(&host, "engine-a");
    assert!(before > 0 && calls(&host, "engine-b") == 0);
    assert!(listed(&host, "engine-a").unwrap().context_engine.is_some_and(|engine| engine.wanted && engine.serving));

    // By hand, as an operator would.
    house.write(&house.text().replace("context-engine = \"engine-a\"", "context-engine = \"engine-b\""));
    until("the file is taken over", || slot(&host).serving == "engine-b").await;
    says_so(&host).await;
    assert!(calls(&host, "engine-b") > 0);
    host.fill("context-engine", None, me()).await.unwrap();
    assert_eq!(slot(&host).serving, "builtin");
    assert_eq!(happened(&host, "engine-a").await.last().map(String::as_str), Some("slot"));
    let none = host.fill("contxt-engine", None, me()).await.unwrap_err().problem;
    assert_eq!((none.code.as_str(), none.near.as_deref()), ("not-found", Some("context-engine")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_wanted_and_cannot_serve_is_shown_and_kept() {
    let house = house("[slots]\ncontext-engine = \"engine-x\"\n");
    let host = start(&house).await;
    let view = slot(&host);
    assert_eq!((view.preferred.as_deref(), view.serving.as_str()), (Some("engine-x"), "builtin"));
    says(&view.why.unwrap(), &["no plugin `engine-x`"]);
    says(&complains(&host, "context engine", "engine-x").await.found, &["the built-in one serves"]);
    says_so(&host).await;

    host.fill("context-engine", Some("engine-a".to_owned()), me()).await.unwrap();
    host.switch("engine-a", false, me()).await.unwrap();
    let view = slot(&host);
    assert_eq!((view.preferred.as_deref(), view.serving.as_str()), (Some("engine-a"), "builtin"));
    says(&view.why.unwrap(), &["`engine-a` is disabled"]);
    says_so(&host).await;
    host.switch("engine-a", true, me()).await.unwrap();
    assert_eq!(slot(&host).serving, "engine-a", "it is back");
    let host = house.restart(host).await;
    standing(&host, "engine-a", Standing::Active).await;
    assert_eq!(slot(&host).serving, "engine-a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_fails_is_quarantined_shown_and_reset() {
    let house = house("[slots]\ncontext-engine = \"engine-a\"\n[plugins.engine-a.config.does]\ncontext-assemble = [\"err\", \"well\"]\n");
    let host = start(&house).await;
    says_so(&host).await;
    let view = slot(&host);
    assert_eq!(view.serving, "builtin");
    says(&view.why.unwrap(), &["quarantined", "`context-assemble` failed"]);
    let shown = listed(&host, "engine-a").unwrap();
    assert_eq!(shown.standing, Standing::Active, "its other parts work");
    let engine = shown.context_engine.unwrap();
    assert!(engine.wanted && !engine.serving && engine.quarantined_at.is_some());
    says(&complains(&host, "context engine", "engine-a").await.advice.unwrap(), &["plugbay reset engine-a"]);

    host.reset("engine-a", me()).await.unwrap();
    assert_eq!(slot(&host).serving, "engine-a");
    says_so(&host).await;
    assert_eq!(slot(&host).serving, "engine-a");
    assert!(complaint(&host, "context engine").await.is_none());
}
