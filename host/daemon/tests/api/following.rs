//! Logs, read and followed.

use super::client::{Load, begin};
use super::stage::Stage;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Response};
use serde_json::{Value, json};

/// Lets `echo` write a line.
async fn say(stage: &Stage, text: &str) {
    let message = json!({ "event": { "text": text, "at": 1_000 } });
    stage.change(Method::POST, "/v1/plugins/echo/hooks/message-received", Load::json(&message)).await;
}

/// The lines that are kept, by their texts.
async fn lines(stage: &Stage, query: &str) -> Vec<String> {
    let page = stage.get(&format!("/v1/plugins/echo/logs{query}")).await;
    page["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

/// A stream of events, read as they come.
pub(crate) struct Events {
    response: Response<Incoming>,
    text: String,
}

impl Events {
    async fn of(stage: &Stage, query: &str) -> Self {
        let response = begin(&stage.socket, &Method::GET, &format!("/v1/plugins/echo/logs?follow=true{query}"), &Load::NONE).await.unwrap();
        Self::from(response)
    }

    pub(crate) fn from(response: Response<Incoming>) -> Self {
        assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (200, "text/event-stream"));
        Self { response, text: String::new() }
    }

    /// The next event's kind, id and data; none, if the stream ends.
    pub(crate) async fn event(&mut self) -> Option<(String, Option<String>, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
                let (kind, id, data) = (field("event:"), field("id:"), field("data:"));
                self.text = rest.to_owned();
                match kind {
                    Some(kind) => return Some((kind, id, data.unwrap())),
                    None => continue,
                }
            }
            let frame = self.response.body_mut().frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    }

    /// The next line's number and text; none, if the stream ends.
    async fn next(&mut self, stage: &Stage) -> Option<(u64, String)> {
        let (kind, id, data) = self.event().await?;
        assert_eq!(kind, "line");
        let data: Value = serde_json::from_str(&data).unwrap();
        stage.contract.is(&json!({ "$ref": "#/components/schemas/LogEntry" }), &data);
        assert_eq!(id.unwrap(), data["seq"].to_string());
        Some((data["seq"].as_u64().unwrap(), data["text"].as_str().unwrap().to_owned()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_the_lines_that_are_asked_for() {
    let stage = Stage::new().await.with_echo().await;
    for text in ["one", "two", "three"] {
        say(&stage, text).await;
    }
    assert_eq!(lines(&stage, "").await, ["one", "two", "three"]);
    assert_eq!(lines(&stage, "?tail=2").await, ["two", "three"]);
    assert_eq!(lines(&stage, "?tail=0").await, [""; 0]);
    let first = stage.get("/v1/plugins/echo/logs").await["lines"][0]["seq"].as_u64().unwrap();
    assert_eq!(lines(&stage, &format!("?after={first}")).await, ["two", "three"]);
    assert_eq!(lines(&stage, &format!("?after={first}&tail=1")).await, ["three"]);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_the_lines_that_it_asks_for_then_those_that_come_until_the_host_stops() {
    let stage = Stage::new().await.with_echo().await;
    say(&stage, "one").await;
    say(&stage, "two").await;
    let mut all = Events::of(&stage, "").await;
    let mut last = Events::of(&stage, "&tail=1").await;
    let mut new = Events::of(&stage, "&tail=0").await;
    say(&stage, "three").await;
    assert_eq!(new.next(&stage).await.unwrap().1, "three");
    assert_eq!((last.next(&stage).await.unwrap().1, last.next(&stage).await.unwrap().1), ("two".into(), "three".into()));
    let seen = [all.next(&stage).await.unwrap(), all.next(&stage).await.unwrap(), all.next(&stage).await.unwrap()];
    assert_eq!(seen.each_ref().map(|(_, text)| text.as_str()), ["one", "two", "three"]);
    let mut after = Events::of(&stage, &format!("&after={}", seen[1].0)).await;
    assert_eq!(after.next(&stage).await, Some(seen[2].clone()));

    stage.host.begin_to_stop();
    for mut follower in [all, last, new, after] {
        assert_eq!(follower.next(&stage).await, None);
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_told_how_many_lines_are_gone_and_ends_with_its_plugin() {
    let stage = Stage::new().await.with_echo().await;
    say(&stage, "0").await;
    let first = stage.get("/v1/plugins/echo/logs").await["lines"][0]["seq"].as_u64().unwrap();
    for text in ["1", "2", "3", "4", "5"] {
        say(&stage, text).await;
    }
    // Three lines are kept: of the five after the first, two are gone.
    let mut late = Events::of(&stage, &format!("&after={first}")).await;
    assert_eq!(late.event().await.unwrap(), ("missed".into(), None, "2".into()));
    assert_eq!(late.next(&stage).await.unwrap().1, "3");
    let mut few = Events::of(&stage, &format!("&after={first}&tail=2")).await;
    assert_eq!(few.next(&stage).await.unwrap().1, "4");
    stage.change(Method::DELETE, "/v1/plugins/echo", Load::NONE).await;
    assert_eq!((few.next(&stage).await.unwrap().1, few.next(&stage).await), ("5".into(), None));
    stage.end().await;
}
