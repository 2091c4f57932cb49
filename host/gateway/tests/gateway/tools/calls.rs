//! One call: what is checked before the tool, and what the model is told after.

use super::host::{Host, request, told};
use plugbay_gateway::runtime::{Call, Payload, Plugin, ToolCallFate};
use serde_json::{Value, json};

/// How often the plugin's tools were called.
fn calls(plugin: &Plugin) -> u64 {
    plugin.generation().unwrap().counted().filter(|(hook, _)| *hook == "tools").map(|(_, counted)| counted.calls).sum()
}

#[tokio::test]
async fn a_tool_answers() {
    let host = Host::new();
    host.toolbox().await;
    let end = host.call(&Call::new(), "add", &json!({ "a": 2, "b": 3 })).await;
    assert_eq!((end.end, end.is_error, told(&end)), (ToolCallFate::Answered, false, json!(5)));
    assert_eq!(end.params, Payload::of(&json!({ "a": 2, "b": 3 })));
    let (owner, generation) = end.served.unwrap();
    assert_eq!((owner.as_str(), generation), ("toolbox", 1));
    assert!(end.by.is_none() && end.asked.is_empty());
}

#[tokio::test]
async fn arguments_that_do_not_fit_never_reach_the_plugin() {
    let host = Host::new();
    let plugin = host.toolbox().await;
    let set = host.tools.now();
    for (arguments, words) in [
        ("{\"a\":1", "the arguments are no good: not JSON"),
        ("add 1 and 2", "the arguments are no good: not JSON"),
        ("[1,2]", "JSON, but no object"),
        ("\"{}\"", "JSON, but no object"),
        ("null", "JSON, but no object"),
        ("{\"a\":1}", "the arguments don't fit the schema of `add`: the whole: \"b\" is a required property"),
        ("{\"a\":1,\"b\":\"two\"}", "the schema of `add`: `/b`: \"two\" is not of type \"integer\""),
        ("{\"a\":1,\"b\":1.5}", "`/b`"),
        ("", "the whole: \"a\" is a required property"),
        (&format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)), "nesting"),
    ] {
        let end = host.tools.call(&set, &Call::new(), request("add", arguments)).await;
        assert_eq!((end.end, end.is_error), (ToolCallFate::Failed, true), "{arguments}");
        let told = told(&end);
        assert!(told.as_str().unwrap().contains(words), "{arguments}: {told}");
    }
    assert_eq!(calls(&plugin), 0);
    let end = host.tools.call(&set, &Call::new(), request("fail", "  ")).await;
    assert_eq!((calls(&plugin), end.params), (1, Payload::of(&json!({}))), "for a tool without arguments nothing is enough");
}

#[tokio::test]
async fn what_goes_wrong_in_a_tool_is_told_in_its_words() {
    let host = Host::new();
    host.toolbox().await;
    let failed = host.call(&Call::new(), "fail", &json!({})).await;
    assert_eq!((failed.end, failed.is_error, told(&failed)), (ToolCallFate::Failed, true, json!("as you asked")));
    let refused = host.call(&Call::new(), "refuse", &json!({})).await;
    assert_eq!((refused.end, refused.is_error), (ToolCallFate::Answered, true), "it answered, and says itself that it couldn't");
    assert_eq!(told(&refused), json!("there is nothing to refuse"));
    let crashed = host.call(&Call::new(), "crash", &json!({})).await;
    assert_eq!((crashed.end, crashed.is_error), (ToolCallFate::Failed, true));
    let words = told(&crashed).as_str().unwrap().to_owned();
    assert!(words.starts_with("the tool `crash` of plugin `toolbox` didn't answer: ") && words.contains("as you asked"), "{words}");
    assert_eq!(told(&host.call(&Call::new(), "add", &json!({ "a": 1, "b": 1 })).await), json!(2), "the next call is served");
}

#[tokio::test]
async fn an_answer_beyond_the_bounds_is_a_failure_that_names_the_bound() {
    let host = Host::new();
    host.toolbox().await;
    let whole = host.call(&Call::new(), "big", &json!({ "bytes": 65_536 })).await;
    assert_eq!((whole.end, told(&whole).as_str().map(str::len)), (ToolCallFate::Answered, Some(65_536)));
    for (bytes, bound) in [(65_537, "65536 allowed"), (300_000, "262144 allowed")] {
        let end = host.call(&Call::new(), "big", &json!({ "bytes": bytes })).await;
        assert_eq!((end.end, end.is_error), (ToolCallFate::Failed, true), "{bytes}");
        assert!(told(&end).as_str().unwrap().contains(bound), "{bytes}: {}", told(&end));
    }
}

#[tokio::test]
async fn a_tool_is_called_once_for_one_call() {
    let host = Host::new();
    let plugin = host.toolbox().await;
    for n in 1..=5 {
        let end = host.call(&Call::new(), "echo", &json!({ "n": n })).await;
        assert_eq!((told(&end), calls(&plugin)), (json!({ "n": n }), n));
    }
}

#[tokio::test]
async fn a_call_of_a_tool_that_left_in_the_middle_of_the_turn_fails_and_says_why() {
    let host = Host::new();
    let plugin = host.toolbox().await;
    let set = host.tools.now();
    host.disable(&plugin).await;
    let end = host.tools.call(&set, &Call::new(), request("add", "{\"a\":1,\"b\":1}")).await;
    assert_eq!(end.end, ToolCallFate::Failed);
    let Value::String(words) = told(&end) else { panic!("{end:?}") };
    assert!(words.contains("toolbox") && words.contains("disabled"), "{words}");
}
