//! Refusals: which kind each is, what people are told, and that they end the call.

use super::super::{ask, user};
use super::stage::{Part, Reply, Stage};
use plugbay_gateway::model::{ModelFailure, OpenAiModel, OpenAiSettings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

fn error(message: &str, code: &str) -> Value {
    json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": code } })
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_isnt_tried_again() {
    let key = "the key: no key is set (settings `model.key-env`, `model.key-file`)";
    for (status, body, kind, told) in [
        (401, error("Bad key.", "invalid_api_key"), ModelFailure::Unauthorized, format!("401 Unauthorized: \"Bad key.\"; {key}")),
        (403, json!({ "detail": 1 }), ModelFailure::Unauthorized, format!("403 Forbidden: \"{{\"detail\":1}}\"; {key}")),
        (400, error("No.", "unsupported_parameter"), ModelFailure::Refused, "400 Bad Request: \"No.\"".into()),
        (400, error("Too many tokens.", "context_length_exceeded"), ModelFailure::TooLong, "400 Bad Request: \"Too many tokens.\"".into()),
        (
            404,
            error("No such model.", "model_not_found"),
            ModelFailure::NoSuchModel,
            "404 Not Found: \"No such model.\"; model `small` (settings `model.model`, `model.models`)".into(),
        ),
        (
            404,
            json!({ "error": "not here" }),
            ModelFailure::Refused,
            "404 Not Found: \"not here\"; model `small` (setting `model.model`), or the place is wrong (setting `model.base-url`)".into(),
        ),
        (422, json!({ "message": "Odd." }), ModelFailure::Refused, "422 Unprocessable Entity: \"Odd.\"".into()),
    ] {
        let stage = Stage::with([Reply::refusing(status, &body), Reply::complete("Other")]).await;
        let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
        assert_eq!((error.kind, error.message), (kind, format!("model server `{}` answered {told}", stage.address)));
        assert_eq!(stage.asked().len(), 1);
    }
}

#[tokio::test]
async fn what_a_server_says_is_cleaned_and_cut() {
    let said = format!("One\n\ttwo \u{1b}[31mred\u{7} \u{202e}back\u{0} {}", "ä".repeat(400));
    for reply in [Reply::refusing(400, &error(&said, "x")), Reply::saying(400, "text/plain", &said)] {
        let stage = Stage::with([reply]).await;
        let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
        let start = format!("One two [31mred back {}", "ä".repeat(300 - "One two [31mred back ".len()));
        assert_eq!(error.message, format!("model server `{}` answered 400 Bad Request: \"{start}…\"", stage.address));
    }
    let stage = Stage::with([Reply::saying(400, "text/plain", "")]).await;
    let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
    assert!(error.message.ends_with("400 Bad Request: without a word"), "{error}");
}

#[tokio::test]
async fn of_an_error_only_the_beginning_is_read() {
    let reply = |before: usize| Reply::saying(400, "text/plain", &" ".repeat(before)).then(Part::Bytes(b"late".to_vec()));
    for (reply, told) in [(reply(16 * 1024 - 4), "\"late\""), (reply(16 * 1024), "without a word")] {
        let mut stage = Stage::with([reply.then(Part::Hang)]).await;
        let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
        assert!(error.kind == ModelFailure::Refused && error.message.ends_with(told), "{error}");
        stage.left().await;
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Stage::with([Reply::complete("Gotcha")]).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("http://{}/v1/chat/completions", elsewhere.address);
        let stage = Stage::with([Reply::saying(status, "text/plain", "").header("location", &to)]).await;
        let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
        assert_eq!(error.kind, ModelFailure::Refused);
        assert!(
            error.message.ends_with("redirects aren't followed, since they would carry the key elsewhere (setting `model.base-url`)"),
            "{error}"
        );
    }
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn a_server_that_isnt_there_is_named() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(); // and closed again
    let settings = OpenAiSettings { retries: 0, ..OpenAiSettings::new(format!("http://{address}/v1?secret=hush"), "small") };
    let error = ask(&OpenAiModel::new(settings).unwrap(), vec![user("Hello")]).await.error.unwrap();
    assert_eq!(error.kind, ModelFailure::Unreachable);
    assert!(error.message.starts_with(&format!("model server `{address}` (setting `model.base-url`): no answer: ")), "{error}");
    assert!(error.message.contains("Connection refused") && !error.message.contains("hush"), "{error}");
}

#[tokio::test]
async fn a_server_without_a_certificate_that_we_know_isnt_talked_to() {
    let stage = Stage::with([Reply::complete("Other")]).await;
    let settings = OpenAiSettings { retries: 0, ..OpenAiSettings::new(format!("https://{}/v1", stage.address), "small") };
    let error = ask(&OpenAiModel::new(settings).unwrap(), vec![user("Hello")]).await.error.unwrap();
    assert_eq!((error.kind, stage.asked().len()), (ModelFailure::Unreachable, 0), "{error}");
}
