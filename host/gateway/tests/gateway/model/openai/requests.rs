//! What is sent: the body of a request, where it goes, and with which headers.

use super::super::{ask, assistant, hear, request, tool, user};
use super::stage::{Reply, Stage};
use plugbay_gateway::model::{Model, ModelMessage, ModelRequest, OpenAiModel, OpenAiSettings, ToolDefinition};
use serde_json::json;

#[tokio::test]
async fn a_conversation_with_tools_goes_over_the_wire_like_this() {
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    let conversation = ModelRequest {
        model: "large".into(),
        system: Some("Be brief.".into()),
        messages: vec![
            user("What is the weather?"),
            assistant("", vec![request("call_1", "weather", "{\"city\":\"Oslo\"}"), request("call_2", "weather", "{\"city\":\"Bergen\"}")]),
            tool("call_1", "{\"rain\":true}"),
            tool("call_2", "sun"),
            assistant("It rains in Oslo.", vec![]),
            ModelMessage::System { text: "Speak Norwegian.".into() },
            user("And \"tomorrow\"?\n"),
            assistant("Let me see.", vec![request("call_3", "weather", "{"), request("call_4", "my.weather now", "[1]")]),
            tool("call_3", ""),
        ],
        tools: vec![ToolDefinition { name: "weather".into(), description: "Tells the weather.".into(), parameters: schema.clone() }],
        thinking: Some("low".into()),
    };
    let stage = Stage::with([Reply::complete("Ja.")]).await;
    hear(stage.model().stream(conversation)).await;
    let call =
        |id: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": "weather", "arguments": arguments } });
    let written = json!({ "name": "my_weather_now", "arguments": "{\"unreadable\":\"[1]\"}" });
    let invented = json!({ "id": "call_4", "type": "function", "function": written });
    let expected = json!({
        "model": "large",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "What is the weather?" },
            {
                "role": "assistant",
                "content": null,
                "tool_calls": [call("call_1", "{\"city\":\"Oslo\"}"), call("call_2", "{\"city\":\"Bergen\"}")],
            },
            { "role": "tool", "tool_call_id": "call_1", "content": "{\"rain\":true}" },
            { "role": "tool", "tool_call_id": "call_2", "content": "sun" },
            { "role": "assistant", "content": "It rains in Oslo." },
            { "role": "system", "content": "Speak Norwegian." },
            { "role": "user", "content": "And \"tomorrow\"?\n" },
            { "role": "assistant", "content": "Let me see.", "tool_calls": [call("call_3", "{\"unreadable\":\"{\"}"), invented] },
            { "role": "tool", "tool_call_id": "call_3", "content": "" },
        ],
        "tools": [{ "type": "function", "function": { "name": "weather", "description": "Tells the weather.", "parameters": schema } }],
        "reasoning_effort": "low",
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    assert_eq!(stage.asked()[0].body, expected);
}

#[tokio::test]
async fn what_isnt_wanted_isnt_named() {
    let stage = Stage::with([Reply::complete("Yes")]).await;
    ask(&stage.model(), vec![user("Hello")]).await;
    let asked = &stage.asked()[0];
    let names: Vec<_> = asked.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["messages", "model", "stream", "stream_options"]);
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.headers["accept"], "text/event-stream");
    assert!(!asked.headers.contains_key("authorization"), "without a key there is none");
    assert!(!asked.headers.contains_key("accept-encoding"), "what is compressed can't be bounded while it comes");
}

#[tokio::test]
async fn the_base_url_says_where_chat_completions_are() {
    let stage = Stage::with([]).await;
    for (base, path) in [
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("", "/chat/completions"),
        ("/deployments/x?api-version=3#part", "/deployments/x/chat/completions?api-version=3"),
    ] {
        stage.say_next(Reply::complete("Yes"));
        let model = OpenAiModel::new(OpenAiSettings::new(format!("http://{}{base}", stage.address), "small")).unwrap();
        ask(&model, vec![user("Hello")]).await;
        assert_eq!(stage.asked().last().unwrap().path, path);
    }
}

#[test]
fn a_base_url_that_cant_be_used_is_refused() {
    for (base, problem) in [
        ("", "relative URL without a base"),
        ("api.example.com/v1", "relative URL without a base"),
        ("ftp://example.com", "scheme `ftp` isn't `http` or `https`"),
        ("https://me:hush@example.com/v1", "it holds a name or a password; keys belong to `model.key-env` or `model.key-file`"),
    ] {
        let error = OpenAiModel::new(OpenAiSettings::new(base, "small")).unwrap_err().to_string();
        assert_eq!(error, format!("setting `model.base-url`: {problem}; expected something like `https://api.openai.com/v1`"));
    }
}

/// In a process of its own, since the environment belongs to the whole process.
#[test]
fn the_environments_proxies_are_not_used() {
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "model::openai::requests::what_isnt_wanted_isnt_named"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        test.env(name, "http://127.0.0.1:9");
    }
    let done = test.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}
