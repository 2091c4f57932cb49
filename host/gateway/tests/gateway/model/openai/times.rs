//! Each time-out, with a server that is too slow for it.

use super::super::{Heard, ask, user};
use super::stage::{Part, Reply, Stage, chunk, says};
use plugbay_gateway::model::{ModelFailure, OpenAiModel, OpenAiSettings, OpenAiTimeouts};
use serde_json::json;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(60);

/// What is heard of a server with these times, and that it was asked once and left alone.
async fn heard(reply: Reply, timeouts: OpenAiTimeouts) -> Heard {
    let mut stage = Stage::with([reply, Reply::complete("Other")]).await;
    let model = OpenAiModel::new(OpenAiSettings { timeouts, ..stage.settings() }).unwrap();
    let heard = ask(&model, vec![user("Hello")]).await;
    stage.left().await;
    assert_eq!(stage.asked().len(), 1, "what took too long isn't tried again");
    let error = heard.error.as_ref().unwrap();
    assert_eq!(error.kind, ModelFailure::Timeout, "{error}");
    assert!(error.message.starts_with(&format!("model server `{}`: ", stage.address)), "{error}");
    heard
}

fn told(heard: &Heard) -> &str {
    heard.error.as_ref().unwrap().message.split_once("`: ").unwrap().1
}

#[tokio::test]
async fn the_first_piece_is_waited_for() {
    let begin = || Reply::events([chunk(json!({ "role": "assistant", "content": "" }), None)]);
    let alive = Part::Forever(": keep-alive\n\n", Duration::from_millis(1));
    let says_nothing = Part::Forever("data: {\"choices\": [{\"delta\": {\"content\": \"\"}}]}\n\n", Duration::from_millis(1));
    for reply in [
        Reply::silence(),
        Reply::bytes::<String>([]).then(Part::Hang),
        begin().then(Part::Hang),
        begin().then(alive),
        begin().then(says_nothing),
    ] {
        let heard = heard(reply, OpenAiTimeouts { first_piece: SHORT, ..OpenAiTimeouts::default() }).await;
        assert_eq!((told(&heard), heard.texts.len()), ("nothing came within 60ms (setting `model.first-piece-timeout`)", 0));
    }
}

#[tokio::test]
async fn what_came_before_a_silence_stays_said() {
    let timeouts = OpenAiTimeouts { between_pieces: SHORT, ..OpenAiTimeouts::default() };
    let heard_text = heard(Reply::events([says("So "), says("far")]).then(Part::Hang), timeouts).await;
    assert_eq!(told(&heard_text), "nothing further came within 60ms (setting `model.piece-timeout`)");
    assert_eq!(heard_text.texts, ["So ", "far"]);
    let thought = heard(Reply::events([chunk(json!({ "reasoning": "Hm" }), None)]).then(Part::Hang), timeouts).await;
    assert_eq!(told(&thought), "nothing further came within 60ms (setting `model.piece-timeout`)", "thinking is a sign of life");
}

#[tokio::test]
async fn the_whole_call_has_its_time() {
    let timeouts = OpenAiTimeouts { whole: SHORT, ..OpenAiTimeouts::default() };
    let never_ends = Part::Forever("data: {\"choices\": [{\"delta\": {\"content\": \"x\"}}]}\n\n", Duration::ZERO);
    for reply in [Reply::silence(), Reply::events([says("So")]).then(Part::Hang), Reply::events([says("So")]).then(never_ends)] {
        assert_eq!(told(&heard(reply, timeouts).await), "the answer wasn't complete within 60ms (setting `model.timeout`)");
    }
}

#[tokio::test]
async fn an_error_that_doesnt_end_is_told_as_far_as_it_came() {
    let mut stage = Stage::with([Reply::saying(400, "text/plain", "So far").then(Part::Hang)]).await;
    let timeouts = OpenAiTimeouts { between_pieces: SHORT, ..OpenAiTimeouts::default() };
    let error = ask(&OpenAiModel::new(OpenAiSettings { timeouts, ..stage.settings() }).unwrap(), vec![user("Hello")]).await.error.unwrap();
    assert_eq!((error.kind, error.message.ends_with("400 Bad Request: \"So far\"")), (ModelFailure::Refused, true), "{error}");
    stage.left().await;
}

#[tokio::test]
async fn times_that_no_clock_reaches_are_no_trouble() {
    let stage = Stage::with([Reply::complete("Yes")]).await;
    let timeouts =
        OpenAiTimeouts { first_piece: Duration::MAX, between_pieces: Duration::MAX, whole: Duration::MAX, ..OpenAiTimeouts::default() };
    let model = OpenAiModel::new(OpenAiSettings { timeouts, ..stage.settings() }).unwrap();
    assert_eq!(ask(&model, vec![user("Hello")]).await.text(), "Yes");
}
