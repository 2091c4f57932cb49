//! The offline model: every command, and what it says when there is none. The clock stands still and moves itself.

use super::{ask, assistant, request, tool, user};
use futures_util::StreamExt;
use plugbay_gateway::Tokens;
use plugbay_gateway::model::{
    Model, ModelFailure, ModelMessage, ModelPiece, ModelRequest, ModelWindow, OfflineModel, Stop, ToolDefinition, Usage,
};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

fn system(text: &str) -> ModelMessage {
    ModelMessage::System { text: text.into() }
}

async fn text(messages: Vec<ModelMessage>) -> String {
    ask(&OfflineModel::default(), messages).await.text()
}

#[tokio::test]
async fn without_a_command_it_says_what_it_was_given() {
    let definition = ToolDefinition { name: "shell".into(), description: "Runs things.".into(), parameters: json!({}) };
    let request = ModelRequest { messages: vec![user("Hello?\nAnybody?")], tools: vec![definition], ..ModelRequest::default() };
    let heard = super::hear(OfflineModel::default().stream(request)).await;
    let honest = "This is the offline model, which carries out commands and understands nothing else.";
    assert_eq!(heard.text(), format!("{honest} It was given 1 message, 1 tool, and this: \"Hello?\nAnybody?\""));
    assert!(heard.texts.len() > 10, "it comes in pieces: {:?}", heard.texts);
    let long = text(vec![user(&"ä".repeat(201)), assistant("a", vec![]), user(&"ä".repeat(201))]).await;
    assert_eq!(long, format!("{honest} It was given 3 messages, 0 tools, and this: \"{}…\"", "ä".repeat(200)));
    assert_eq!(text(vec![]).await, format!("{honest} It was given 0 messages, 0 tools, and this: \"\""));
}

#[tokio::test]
async fn tools_are_called_and_their_answers_repeated() {
    let asked = user("Please:\nuse weather {\"city\": \"Oslo\"}\nuse clock\nuse odd not json");
    let first = ask(&OfflineModel::default(), vec![asked.clone()]).await;
    let calls = vec![
        request("call-1-1", "weather", "{\"city\": \"Oslo\"}"),
        request("call-1-2", "clock", "{}"),
        request("call-1-3", "odd", "not json"),
    ];
    assert_eq!(first.calls, calls);
    assert_eq!(first.end.unwrap().1, Stop::ToolCalls);
    let results = vec![
        asked,
        assistant("", calls),
        tool("call-1-2", "noon"),
        tool("call-1-1", "{\"rain\": true}"),
        tool("other", &"x".repeat(1_001)),
    ];
    let second = ask(&OfflineModel::default(), results).await;
    assert_eq!(
        second.text(),
        format!("`clock` answered: noon\n`weather` answered: {{\"rain\": true}}\n`a tool` answered: {}…", "x".repeat(1_000))
    );
    assert_eq!(second.end.unwrap().1, Stop::Finished);
}

#[tokio::test]
async fn a_message_may_have_several_rounds() {
    let asked = user("use a\nthen\nuse b {\"n\": 2}\nthen\nsay Done.");
    let round = |calls| [assistant("", calls), tool("x", "ok")];
    let after = |rounds: usize| std::iter::once(asked.clone()).chain((0..rounds).flat_map(|_| round(vec![]))).collect::<Vec<_>>();
    let names = |heard: super::Heard| heard.calls.into_iter().map(|call| (call.id, call.name)).collect::<Vec<_>>();
    assert_eq!(names(ask(&OfflineModel::default(), after(0)).await), [("call-1-1".into(), "a".into())]);
    assert_eq!(names(ask(&OfflineModel::default(), after(1)).await), [("call-3-1".into(), "b".into())]);
    assert_eq!(text(after(2)).await, "Done.");
    assert_eq!(text(after(3)).await, "`a tool` answered: ok", "when the rounds are over, what came of tools is repeated");
    assert_eq!(text(vec![asked.clone(), assistant("", vec![]), user("say New.")]).await, "New.", "a new message begins anew");
}

#[tokio::test]
async fn instructions_for_a_second_try_are_heard() {
    let begun = vec![user("say Bad."), assistant("Bad.", vec![])];
    assert_eq!(text([begun.clone(), vec![system("say Better.")]].concat()).await, "Better.");
    assert!(text([begun, vec![system("Be better.")]].concat()).await.ends_with("and this: \"Be better.\""));
    assert_eq!(text(vec![user("say Bad.\nthen\nsay Good."), assistant("Bad.", vec![]), system("Be better.")]).await, "Good.");
    assert_eq!(text(vec![user("say Hello."), system("Context that a plugin adds.")]).await, "Hello.");
}

#[tokio::test]
async fn it_says_as_many_words_as_it_is_told() {
    assert_eq!(text(vec![user("long 3")]).await, "word-1 word-2 word-3");
    assert_eq!(text(vec![user("say One\n\nsay two.\nlong 1")]).await, "One\ntwo.\nword-1");
    let long = ask(&OfflineModel::default(), vec![user("long 100000")]).await;
    assert_eq!(long.texts.len(), 100_000);
    assert_eq!(long.end.unwrap(), (Usage { input: Some(2), output: Some(100_000) }, Stop::Finished, Some("offline".into())));
    assert_eq!(text(vec![user("long 0")]).await, "");
}

#[tokio::test]
async fn it_fails_in_every_way_that_there_is() {
    for kind in ModelFailure::ALL {
        let heard = ask(&OfflineModel::default(), vec![user(&format!("say So far.\nfail {kind}\nsay More."))]).await;
        assert_eq!(heard.text(), "So far.");
        let error = heard.error.unwrap();
        assert_eq!((error.kind, error.to_string()), (kind, format!("the offline model was told to fail (`fail {kind}`)")));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_as_slow_as_it_is_told() {
    let request = ModelRequest { messages: vec![user("say a b\nslow 250\nsay c d\nuse e\nslow 0\nsay f")], ..ModelRequest::default() };
    let mut stream = OfflineModel::default().stream(request);
    let (start, mut at) = (Instant::now(), Vec::new());
    while let Some(piece) = stream.next().await {
        if !matches!(piece.unwrap(), ModelPiece::End { .. }) {
            at.push(start.elapsed().as_millis() / 250 * 250);
        }
    }
    assert_eq!(at, [0, 0, 250, 500, 750, 1_000, 1_000, 1_000], "a b, a line break, c d, the call, a line break, f");
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_is_cancelled_by_dropping_it() {
    let request = ModelRequest { messages: vec![user("slow 60000\nsay a")], ..ModelRequest::default() };
    let mut stream = OfflineModel::default().stream(request);
    assert!(tokio::time::timeout(Duration::from_secs(59), stream.next()).await.is_err());
}

#[tokio::test]
async fn it_shows_what_it_was_given() {
    let definition = |name: &str| ToolDefinition { name: name.into(), description: String::new(), parameters: json!({}) };
    let shown = async |what: &str, full: bool| {
        let messages = vec![user(&format!("show {what}"))];
        let bare = ModelRequest { model: "m".into(), messages, ..ModelRequest::default() };
        let with = |request| ModelRequest {
            system: Some("Be kind.".into()),
            thinking: Some("high".into()),
            tools: vec![definition("a"), definition("b")],
            ..request
        };
        super::hear(OfflineModel::default().stream(if full { with(bare) } else { bare })).await.text()
    };
    assert_eq!((shown("system", true).await, shown("system", false).await), ("Be kind.".into(), "no system prompt".into()));
    assert_eq!((shown("tools", true).await, shown("tools", false).await), ("a, b".into(), "no tools".into()));
    assert_eq!(
        (shown("model", true).await, shown("model", false).await),
        ("model `m`, thinking high".into(), "model `m`, thinking as usual".into())
    );
    assert_eq!(shown("messages", false).await, r#"[{"role":"user","text":"show messages"}]"#);
}

#[tokio::test]
async fn what_is_nearly_a_command_is_answered_with_what_is_wrong() {
    for (said, problem) in [
        ("use", "expected `use <tool> {arguments}`"),
        ("long many", "expected a whole number up to 100000"),
        ("long 100001", "expected a whole number up to 100000"),
        ("slow 60001", "expected a whole number up to 60000"),
        ("show off", "expected `show` with `model`, `system`, `messages` or `tools`"),
        (
            "fail badly",
            "`badly` is no kind of failure; there are timeout, rate-limited, unauthorized, refused, no-such-model, too-long, too-large, server, unreachable, malformed",
        ),
    ] {
        assert_eq!(text(vec![user(said)]).await, format!("The offline model doesn't understand `{said}`: {problem}."));
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let messages = vec![user("use a\nsay b\nlong 20\nuse c")];
    let (first, second) = (ask(&OfflineModel::default(), messages.clone()).await, ask(&OfflineModel::default(), messages).await);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}

#[tokio::test]
async fn a_turn_after_one_that_was_stopped_at_a_tool_repeats_nothing_of_it() {
    let stopped = vec![
        user("use slow"),
        assistant("", vec![request("call-1-1", "slow", "{}")]),
        tool("call-1-1", "There is no answer."),
        system("This turn was cancelled."),
    ];
    for said in ["Hello.", "say Hello.", "", "then"] {
        let answer = text([stopped.clone(), vec![user(said)]].concat()).await;
        assert!(!answer.contains("answered"), "{said:?}: {answer}");
    }
}

#[tokio::test]
async fn what_is_longer_than_its_window_is_refused() {
    let filler = "word ".repeat(900);
    let text = format!("{filler}\nsay Hello.");
    let tokens = Tokens::default().count(&text) + 4; // with what stands around a message
    let said = user(&text);
    let model = |window| OfflineModel::default().within(ModelWindow::of(window));
    assert_eq!(ask(&model(tokens), vec![said.clone()]).await.text(), "Hello.");
    let error = ask(&model(tokens - 1), vec![said.clone()]).await.error.unwrap();
    assert_eq!(error.kind, ModelFailure::TooLong);
    let told = format!("the offline model was given {tokens} tokens, and takes {} (setting `model.window`)", tokens - 1);
    assert_eq!(error.message, told);
    // Everything counts: the instructions, the tools, calls of tools and their answers.
    let big = "word ".repeat(1_000);
    let definition = ToolDefinition { name: "t".into(), description: big.clone(), parameters: json!({}) };
    let messages = |more: Vec<ModelMessage>| [more, vec![user("say Hello.")]].concat();
    let plain = ModelRequest { messages: messages(vec![]), ..ModelRequest::default() };
    for (what, request) in [
        ("instructions", ModelRequest { system: Some(big.clone()), ..plain.clone() }),
        ("tools", ModelRequest { tools: vec![definition], ..plain.clone() }),
        ("calls", ModelRequest { messages: messages(vec![assistant("", vec![request("a", "t", &big)])]), ..plain.clone() }),
        ("answers", ModelRequest { messages: messages(vec![tool("a", &big)]), ..plain.clone() }),
        ("a token for each byte", ModelRequest { messages: messages(vec![user(&"a1".repeat(600))]), ..plain.clone() }),
    ] {
        let heard = super::hear(model(1_000).stream(request)).await;
        assert_eq!(heard.error.map(|error| error.kind), Some(ModelFailure::TooLong), "{what}");
    }
    assert_eq!(super::hear(model(1_000).stream(plain)).await.text(), "Hello.");
}

#[tokio::test]
async fn told_to_summarise_it_says_how_each_line_begins_and_obeys_none() {
    let summarised = async |system: &str, text: &str| {
        let request = ModelRequest { system: Some(system.into()), messages: vec![user(text)], ..ModelRequest::default() };
        super::hear(OfflineModel::default().stream(request)).await
    };
    let text = "User: say No.\nfail server\n\nTool: Oslo has 700,000 people\n";
    let heard = summarised("Summarise this.", text).await;
    assert_eq!((heard.text().as_str(), heard.error), ("User: say No.\nfail server\nTool: Oslo has 700,000 people", None));
    let lines: String = (0..500).map(|n| format!("line {n} has a few words, {} more of them\n", "many ".repeat(40))).collect();
    for wanted in [30, 200, 1_500] {
        let summary = summarised(&format!("Summarise in at most {wanted} tokens."), &lines).await.text();
        assert!(Tokens::default().count(&summary) <= wanted + 30, "{wanted}: {summary}");
        assert!(
            summary.starts_with("line 0 has") && summary.contains("\nline 499 has") && summary.contains("lines are left out"),
            "{summary}"
        );
    }
    let endless = summarised("Summarise this.", &"x".repeat(900_000)).await.text();
    assert_eq!(endless.len(), 100);
    let error = summarised("Summarise this.\nfail rate-limited", text).await.error.unwrap();
    assert_eq!(error.kind, ModelFailure::RateLimited, "commands of whoever asks for the summary are carried out");
    assert_eq!(summarised("Be kind.", "say Yes.").await.text(), "Yes.", "who isn't told to summarise doesn't");
}
