//! Answers as servers send them, and what becomes of them.

use super::super::{ask, request, user};
use super::stage::{Part, Reply, Stage, chunk, event, says, stops};
use plugbay_gateway::model::{ModelFailure, Stop, Usage};
use serde_json::{Value, json};

fn usage() -> Value {
    json!({ "id": "chatcmpl-1", "model": "small-2026", "choices": [], "usage": { "prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17 } })
}

#[tokio::test]
async fn text_comes_in_the_pieces_in_which_it_was_sent() {
    let begin = chunk(json!({ "role": "assistant", "content": "", "refusal": null }), None);
    let reply = Reply::events([begin, says("Good "), says("morning"), says("."), stops("stop"), usage()])
        .then(Part::Bytes(b"data: [DONE]\n\n".to_vec()));
    let stage = Stage::with([reply]).await;
    let heard = ask(&stage.model(), vec![user("Hello")]).await;
    assert_eq!(heard.texts, ["Good ", "morning", "."]);
    assert_eq!(heard.end.unwrap(), (Usage { input: Some(12), output: Some(5) }, Stop::Finished, Some("small-2026".into())));
    assert_eq!(heard.calls, []);
}

#[tokio::test]
async fn characters_and_lines_may_be_cut_anywhere() {
    let whole = format!(": hello\n\n{}{}data: [DONE]\n\n", event(&says("Grüße, 世界 🌍")), event(&stops("stop")));
    for ending in ["\n", "\r\n", "\r"] {
        let bytes = whole.replace('\n', ending).into_bytes();
        for size in [1, 2, 3, 7] {
            let stage = Stage::with([Reply::bytes(bytes.chunks(size))]).await;
            let heard = ask(&stage.model(), vec![user("Hello")]).await;
            assert_eq!(heard.texts, ["Grüße, 世界 🌍"], "{ending:?} in chunks of {size}: {heard:?}");
        }
    }
}

#[tokio::test]
async fn what_isnt_part_of_the_answer_is_passed_over() {
    let other = json!({ "choices": [{ "index": 1, "delta": { "content": "other" }, "finish_reason": "length" }] });
    let thoughts = [chunk(json!({ "reasoning_content": "Hm." }), None), chunk(json!({ "reasoning": "Hm.", "content": null }), None)];
    let [one, two] = thoughts.map(|thought| event(&thought));
    let comment = ": keep-alive\n\n".to_owned();
    let named = format!("event: message\nid: 7\nretry: 10\n{}", event(&says("Yes")));
    let reply = Reply::bytes([
        comment.clone(),
        one,
        comment.clone(),
        two,
        "data:\n\n".into(),
        event(&other),
        named,
        comment,
        event(&stops("stop")),
    ]);
    let stage = Stage::with([reply]).await;
    let heard = ask(&stage.model(), vec![user("Hello")]).await;
    assert_eq!(
        (heard.texts, heard.end.unwrap().1),
        (vec!["Yes".into()], Stop::Finished),
        "`[DONE]` may be missing once the model has stopped"
    );
}

#[tokio::test]
async fn calls_of_tools_are_put_together() {
    let call = |value: Value| chunk(json!({ "tool_calls": [value] }), None);
    let piece = |index: u64, arguments: &str| call(json!({ "index": index, "function": { "arguments": arguments } }));
    let reply = Reply::events([
        says("Let me see."),
        call(json!({ "index": 0, "id": "call_a", "type": "function", "function": { "name": "weather", "arguments": "" } })),
        piece(0, "{\"ci"),
        call(json!({ "index": 1, "id": "call_b", "type": "function", "function": { "name": "clock", "arguments": "{\"zone\":" } })),
        piece(0, "ty\": \"Os"),
        piece(1, "\"UTC\"}"),
        piece(0, "lo\"}"),
        call(json!({ "index": 2, "id": "call_c", "type": "function", "function": { "name": "now" } })),
        stops("tool_calls"),
    ]);
    let stage = Stage::with([reply.then(Part::Bytes(b"data: [DONE]\n\n".to_vec()))]).await;
    let heard = ask(&stage.model(), vec![user("Hello")]).await;
    let calls = [
        request("call_a", "weather", "{\"city\": \"Oslo\"}"),
        request("call_b", "clock", "{\"zone\":\"UTC\"}"),
        request("call_c", "now", "{}"),
    ];
    assert_eq!(heard.calls, calls);
    assert_eq!((heard.text(), heard.end.unwrap().1), ("Let me see.".into(), Stop::ToolCalls));
}

#[tokio::test]
async fn servers_that_number_calls_in_their_own_way_are_understood() {
    let function = |name: &str, arguments: &str| json!({ "name": name, "arguments": arguments });
    for (case, calls, expected) in [
        (
            "all numbered 0, each whole",
            vec![
                json!({ "index": 0, "id": "a", "function": function("x", "{}") }),
                json!({ "index": 0, "id": "b", "function": function("y", "{}") }),
            ],
            [request("a", "x", "{}"), request("b", "y", "{}")],
        ),
        (
            "not numbered",
            vec![json!({ "id": "a", "function": function("x", "{}") }), json!({ "id": "b", "function": function("y", "{}") })],
            [request("a", "x", "{}"), request("b", "y", "{}")],
        ),
        (
            "without ids",
            vec![json!({ "index": 0, "function": function("x", "{}") }), json!({ "index": 1, "function": function("y", "{}") })],
            [request("call-1-1", "x", "{}"), request("call-1-2", "y", "{}")],
        ),
        (
            "id and name repeated, or empty",
            vec![
                json!({ "index": 0, "id": "a", "function": function("x", "{\"n\":") }),
                json!({ "index": 0, "id": "", "function": function("", "1") }),
                json!({ "index": 0, "id": "a", "function": function("x", "}") }),
                json!({ "index": 7, "id": "b", "function": function("y", " ") }),
            ],
            [request("a", "x", "{\"n\":1}"), request("b", "y", "{}")],
        ),
    ] {
        let chunks = calls.into_iter().map(|call| chunk(json!({ "tool_calls": [call] }), None)).chain([stops("stop")]);
        let stage = Stage::with([Reply::events(chunks)]).await;
        let heard = ask(&stage.model(), vec![user("Hello")]).await;
        assert_eq!(heard.calls, expected, "{case}");
        assert_eq!(heard.end.unwrap().1, Stop::ToolCalls, "{case}: some servers say `stop` all the same");
    }
}

#[tokio::test]
async fn why_a_model_stopped_is_told() {
    for (said, stop) in [
        ("stop", Stop::Finished),
        ("length", Stop::Length),
        ("content_filter", Stop::Filtered),
        ("insufficient_system_resource", Stop::Other("insufficient_system_resource".into())),
    ] {
        let stage = Stage::with([Reply::events([says("Yes"), stops(said)])]).await;
        assert_eq!(ask(&stage.model(), vec![user("Hello")]).await.end.unwrap().1, stop);
    }
    let stage = Stage::with([Reply::bytes([event(&chunk(json!({ "refusal": "I won't." }), None)), "data: [DONE]\n\n".into()])]).await;
    let heard = ask(&stage.model(), vec![user("Hello")]).await;
    assert_eq!((heard.text(), heard.end.unwrap().1), ("I won't.".into(), Stop::Finished), "a refusal is an answer");
}

#[tokio::test]
async fn an_answer_has_a_largest_size() {
    let large = "x".repeat(512 * 1024);
    let stage = Stage::with([Reply::events(std::iter::repeat_n(says(&large), 9))]).await;
    let heard = ask(&stage.model(), vec![user("Hello")]).await;
    assert_eq!(heard.texts.len(), 8, "4 MiB are handed on");
    let error = heard.error.unwrap();
    assert_eq!(error.kind, ModelFailure::TooLarge);
    assert_eq!(error.message, format!("model server `{}`: the answer is larger than 4194304 bytes", stage.address));

    let call = |index: u64| {
        chunk(json!({ "tool_calls": [{ "index": index, "id": index.to_string(), "function": { "name": "x", "arguments": "" } }] }), None)
    };
    let stage = Stage::with([Reply::events((0..129).map(call))]).await;
    let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
    assert_eq!((error.kind, error.message.contains("more than 128 calls of tools")), (ModelFailure::TooLarge, true));
}
