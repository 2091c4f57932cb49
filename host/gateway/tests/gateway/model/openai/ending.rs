//! Answers that don't end as they should, and readers who leave.

use super::super::{ask, hear, user};
use super::stage::{Part, Reply, Stage, chunk, event, says, stops};
use futures_util::StreamExt;
use plugbay_gateway::model::{Model, ModelFailure, ModelPiece, ModelRequest, Stop, Usage};
use serde_json::json;

fn greeting() -> ModelRequest {
    ModelRequest { model: "small".into(), messages: vec![user("Hello")], ..ModelRequest::default() }
}

#[tokio::test]
async fn whoever_drops_the_stream_closes_the_connection() {
    let mut stage = Stage::with([Reply::events([says("So")]).then(Part::Hang), Reply::silence()]).await;
    let mut stream = stage.model().stream(greeting());
    assert_eq!(stream.next().await, Some(Ok(ModelPiece::Text("So".into()))));
    drop(stream);
    stage.left().await;

    // And one that hasn't been answered at all.
    let mut stream = stage.model().stream(greeting());
    tokio::select! {
        _ = stream.next() => panic!("nobody answers"),
        () = async { while stage.asked().len() < 2 { tokio::task::yield_now().await } } => {}
    }
    drop(stream);
    stage.left().await;
}

#[tokio::test]
async fn nothing_is_asked_before_the_stream_is_polled() {
    let stage = Stage::with([]).await;
    drop(stage.model().stream(greeting()));
    tokio::task::yield_now().await;
    assert_eq!(stage.asked().len(), 0);
}

#[tokio::test]
async fn a_connection_that_breaks_after_a_piece_isnt_tried_again() {
    for (end, problem) in [(Part::Break, "the connection broke: "), (Part::Bytes(vec![]), "the connection ended before the answer did")] {
        let stage = Stage::with([Reply::events([says("So "), says("far")]).then(end), Reply::complete("Other")]).await;
        let heard = hear(stage.model().stream(greeting())).await;
        assert_eq!(heard.texts, ["So ", "far"]);
        let error = heard.error.unwrap();
        assert_eq!(error.kind, ModelFailure::Unreachable);
        assert!(error.message.starts_with(&format!("model server `{}`", stage.address)) && error.message.contains(problem), "{error}");
        assert_eq!(stage.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_first_piece_is_tried_again() {
    for end in [Part::Break, Part::Bytes(vec![])] {
        let begin = chunk(json!({ "role": "assistant", "content": "" }), None);
        let stage = Stage::with([Reply::events([begin]).then(end), Reply::complete("Whole")]).await;
        assert_eq!(ask(&stage.model(), vec![user("Hello")]).await.text(), "Whole");
        assert_eq!(stage.asked().len(), 2);
    }
}

#[tokio::test]
async fn half_a_call_of_a_tool_is_never_handed_on() {
    let half = chunk(
        json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "shell", "arguments": "{\"command\": \"rm" } }] }),
        None,
    );
    let stage = Stage::with([Reply::events([says("So"), half]).then(Part::Break)]).await;
    let heard = hear(stage.model().stream(greeting())).await;
    assert_eq!((heard.calls.len(), heard.error.unwrap().kind), (0, ModelFailure::Unreachable));
    let nameless = chunk(json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "arguments": "{}" } }] }), Some("tool_calls"));
    let stage = Stage::with([Reply::events([nameless])]).await;
    let error = hear(stage.model().stream(greeting())).await.error.unwrap();
    assert_eq!(
        (error.kind, error.message),
        (ModelFailure::Malformed, format!("model server `{}`: a call of a tool has no name", stage.address))
    );
}

#[tokio::test]
async fn once_the_model_has_stopped_the_answer_is_whole() {
    let stage = Stage::with([Reply::events([says("All."), stops("stop")]).then(Part::Break)]).await;
    let heard = hear(stage.model().stream(greeting())).await;
    assert_eq!(heard.text(), "All.");
    assert_eq!(heard.end.unwrap(), (Usage::default(), Stop::Finished, Some("small-2026".into())));
}

#[tokio::test]
async fn what_isnt_an_event_stream_of_chunks_is_malformed() {
    let garbage = |text: &str| Reply::bytes([text.to_owned()]);
    for (reply, problem) in [
        (garbage("data: {\"choices\": [\n\n"), "an event isn't a chunk of an answer: "),
        (garbage("data: hello\n\n"), "an event isn't a chunk of an answer: "),
        (garbage("data: [1]\n\n"), "an event isn't a chunk of an answer: "),
        (Reply::bytes([b"data: \"\xff\"\n\n".to_vec()]), "utf8 parse error"),
        (
            Reply::saying(200, "application/json", "{}"),
            "answered with `application/json`: expected `text/event-stream`; does setting `model.base-url` lead",
        ),
        (Reply::saying(200, "text/html", "<html>"), "answered with `text/html`"),
    ] {
        let stage = Stage::with([reply, Reply::complete("Other")]).await;
        let error = hear(stage.model().stream(greeting())).await.error.unwrap();
        assert_eq!((error.kind, stage.asked().len()), (ModelFailure::Malformed, 1), "{error}");
        assert!(error.message.contains(problem), "{error}");
    }
}

#[tokio::test]
async fn an_event_has_a_largest_size() {
    let huge = format!("data: {}", "x".repeat(64 * 1024));
    let line = Reply::bytes(std::iter::once(huge.clone()).chain(std::iter::repeat_n("x".repeat(64 * 1024), 16)));
    let lines = Reply::bytes(std::iter::repeat_n(format!("{huge}\n"), 17));
    for reply in [line.then(Part::Hang), lines.then(Part::Hang)] {
        let mut stage = Stage::with([reply]).await;
        let error = hear(stage.model().stream(greeting())).await.error.unwrap();
        assert_eq!(error.kind, ModelFailure::TooLarge);
        assert_eq!(error.message, format!("model server `{}`: an event is larger than 1048576 bytes", stage.address));
        stage.left().await;
    }
    let almost = event(&says(&"x".repeat(1024 * 1024 - 1024)));
    let stage = Stage::with([Reply::bytes([almost.clone(), almost, event(&stops("stop"))])]).await;
    assert!(hear(stage.model().stream(greeting())).await.end.is_some());
}

#[tokio::test]
async fn errors_in_the_middle_of_an_answer_are_told() {
    let complaint = |error: serde_json::Value| event(&json!({ "error": error }));
    for (error, kind) in [
        (json!({ "message": "It fell over.", "type": "server_error" }), ModelFailure::Server),
        (json!({ "message": "It fell over.", "code": 502 }), ModelFailure::Server),
        (json!({ "message": "It fell over.", "code": 429 }), ModelFailure::RateLimited),
        (json!({ "message": "It fell over.", "code": "rate_limit_exceeded" }), ModelFailure::RateLimited),
        (json!({ "message": "It fell over.", "code": "context_length_exceeded" }), ModelFailure::TooLong),
        (json!("It fell over."), ModelFailure::Server),
    ] {
        let stage = Stage::with([Reply::bytes([event(&says("So")), complaint(error.clone())])]).await;
        let heard = hear(stage.model().stream(greeting())).await;
        let told = heard.error.unwrap();
        assert_eq!((heard.texts, told.kind, stage.asked().len()), (vec!["So".into()], kind, 1), "{error}");
        assert!(told.message.contains("It fell over."), "{told}");
    }
    let stage = Stage::with([Reply::bytes([complaint(json!({ "message": "Overloaded", "code": 503 }))]), Reply::complete("Now")]).await;
    assert_eq!(hear(stage.model().stream(greeting())).await.text(), "Now", "before the first piece it is tried again");
}
