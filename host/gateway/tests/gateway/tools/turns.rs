//! The tools of a turn are those of its beginning: a swap in the middle changes neither which there are nor what they do.

use super::host::{Host, request, told, toolbox};
use plugbay_gateway::runtime::{Call, ToolCallFate};
use plugbay_guests::built;
use serde_json::json;

#[tokio::test]
async fn a_swap_in_the_middle_of_a_turn_changes_nothing_for_it() {
    let host = Host::new();
    host.toolbox().await;
    let before = host.tools.now();
    let definitions = before.definitions(None);
    assert_eq!(told(&host.tools.call(&before, &Call::new(), request("echo", "{\"x\":1}")).await), json!({ "x": 1 }));

    host.load("toolbox", built::TOOLBOX_LATER, toolbox()).await;
    let after = host.tools.now();
    assert_eq!(before.definitions(None), definitions);
    for n in 0..3 {
        let end = host.tools.call(&before, &Call::new(), request("echo", &format!("{{\"x\":{n}}}"))).await;
        assert_eq!((end.end, told(&end)), (ToolCallFate::Answered, json!({ "x": n })), "the old schema, and the old answer");
        assert_eq!(end.served.map(|(_, generation)| generation), Some(1));
    }
    let new = host.tools.call(&after, &Call::new(), request("echo", "{\"text\":\"hi\"}")).await;
    assert_eq!((told(&new), new.served.map(|(_, generation)| generation)), (json!({ "later": "hi" }), Some(2)));
    let old_words = host.tools.call(&after, &Call::new(), request("echo", "{\"x\":1}")).await;
    assert_eq!(old_words.end, ToolCallFate::Failed, "the new schema");
    assert_ne!(after.definitions(None), definitions);
}

#[tokio::test]
async fn what_comes_in_the_middle_of_a_turn_is_for_the_next() {
    let host = Host::new();
    let before = host.tools.now();
    host.toolbox().await;
    let end = host.tools.call(&before, &Call::new(), request("add", "{\"a\":1,\"b\":1}")).await;
    assert_eq!(end.end, ToolCallFate::Failed);
    assert_eq!(told(&host.tools.call(&host.tools.now(), &Call::new(), request("add", "{\"a\":1,\"b\":1}")).await), json!(2));
}
