//! Refusals: which kind each is, what people are told, and that they end the call.

use super::super::{ask, user};
use super::stage::{Part, Reply, Stage, says};
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

/// What servers say when a conversation is too long.
fn too_long() -> [(&'static str, u16, Value); 8] {
    let openai = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.";
    let vllm = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion).";
    let newer_vllm = "The decoder prompt (length 5000) is longer than the maximum model length of 4096.";
    let llama = "the request exceeds the available context size, try increasing it";
    let sglang = "The input (5000 tokens) is longer than the model's context length (4096 tokens).";
    [
        ("OpenAI", 400, error(openai, "context_length_exceeded")),
        ("vLLM before 0.10", 400, json!({ "object": "error", "message": vllm, "type": "BadRequestError", "param": null, "code": 400 })),
        ("vLLM", 400, json!({ "error": { "message": newer_vllm, "type": "BadRequestError", "param": null, "code": 400 } })),
        ("llama.cpp before 2025-09", 400, json!({ "error": { "code": 400, "message": llama, "type": "invalid_request_error" } })),
        (
            "llama.cpp",
            500,
            json!({ "error": { "code": 500, "message": llama, "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096 } }),
        ),
        ("SGLang", 400, json!({ "object": "error", "message": sglang, "type": "BadRequest", "param": null, "code": 400 })),
        ("GitHub", 413, error("Request body too large for small model. Max size: 8000 tokens.", "tokens_limit_reached")),
        (
            "Anthropic",
            400,
            json!({ "error": { "message": "prompt is too long: 200001 tokens > 200000 maximum", "type": "invalid_request_error" } }),
        ),
    ]
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_known_by_what_each_server_calls_it() {
    for (who, status, body) in too_long() {
        let later = body.get("error").unwrap_or(&body).clone();
        let while_answering = Reply::events([says("So"), json!({ "error": later })]);
        for reply in [Reply::refusing(status, &body), while_answering] {
            let stage = Stage::with([reply, Reply::complete("Other")]).await;
            let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
            assert_eq!((error.kind, stage.asked().len()), (ModelFailure::TooLong, 1), "{who}: {error}");
            assert!(error.message.ends_with("; model `small` is given up to 128000 tokens (setting `model.window`)"), "{who}: {error}");
        }
    }
    for (status, body) in [(400, error("max_tokens is too large.", "invalid_value")), (404, error("No context window here.", "x"))] {
        let stage = Stage::with([Reply::refusing(status, &body)]).await;
        assert_eq!(ask(&stage.model(), vec![user("Hello")]).await.error.unwrap().kind, ModelFailure::Refused, "{body}");
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
