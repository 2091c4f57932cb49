//! Which failures are tried again, how often, and when.

use super::super::{ask, user};
use super::stage::{Asked, Reply, Stage};
use plugbay_gateway::model::{ModelFailure, OpenAiModel, OpenAiSettings, OpenAiTimeouts};
use serde_json::json;
use std::time::{Duration, SystemTime};

fn refusing(status: u16) -> Reply {
    Reply::refusing(status, &json!({ "error": { "message": "Not now." } }))
}

fn gaps(asked: &[Asked]) -> Vec<Duration> {
    asked.windows(2).map(|pair| pair[1].at - pair[0].at).collect()
}

#[tokio::test]
async fn rate_limits_and_failing_servers_are_tried_again() {
    for status in [429, 500, 502, 503, 504, 529] {
        let stage = Stage::with([refusing(status), refusing(status), Reply::complete("Now")]).await;
        let heard = ask(&stage.model(), vec![user("Hello")]).await;
        assert_eq!((heard.text(), stage.asked().len()), ("Now".into(), 3), "{status}");
        let [first, .., last] = &stage.asked()[..] else { panic!() };
        assert_eq!(first.body, last.body);
    }
}

#[tokio::test]
async fn at_some_point_it_gives_up() {
    for (status, kind, told) in
        [(500, ModelFailure::Server, "500 Internal Server Error"), (429, ModelFailure::RateLimited, "429 Too Many Requests")]
    {
        let stage = Stage::with((0..9).map(|_| refusing(status))).await;
        for (retries, attempts) in [(0, 1), (2, 3)] {
            let before = stage.asked().len();
            let model = OpenAiModel::new(OpenAiSettings { retries, ..stage.settings() }).unwrap();
            let error = ask(&model, vec![user("Hello")]).await.error.unwrap();
            let last = format!("this was attempt {attempts}, the last one (setting `model.retries`)");
            assert_eq!(
                (error.kind, error.message),
                (kind, format!("model server `{}` answered {told}: \"Not now.\"; {last}", stage.address))
            );
            assert_eq!(stage.asked().len() - before, attempts);
        }
    }
}

#[tokio::test]
async fn pauses_grow() {
    let stage = Stage::with((0..4).map(|_| refusing(500))).await;
    let model = OpenAiModel::new(OpenAiSettings { backoff: Duration::from_millis(40), ..stage.settings() }).unwrap();
    ask(&model, vec![user("Hello")]).await;
    let at_least = [40, 80, 160].map(Duration::from_millis);
    assert!(gaps(&stage.asked()).iter().zip(at_least).all(|(gap, least)| *gap >= least), "{:?}", gaps(&stage.asked()));
    assert_eq!(stage.asked().len(), 4);
}

#[tokio::test]
async fn a_server_that_says_when_to_come_back_is_obeyed() {
    let stage =
        Stage::with([refusing(429).header("retry-after", "1"), refusing(503).header("retry-after", "0"), Reply::complete("Now")]).await;
    assert_eq!(ask(&stage.model(), vec![user("Hello")]).await.text(), "Now");
    assert!(gaps(&stage.asked())[0] >= Duration::from_secs(1), "{:?}", gaps(&stage.asked()));

    // In seconds, or as a date; and what is neither leaves the choice to us.
    let past = httpdate(Duration::ZERO);
    for said in ["0", past.as_str(), "soon"] {
        let stage = Stage::with([refusing(429).header("retry-after", said), Reply::complete("Now")]).await;
        assert_eq!(ask(&stage.model(), vec![user("Hello")]).await.text(), "Now", "{said}");
    }
}

fn httpdate(ahead: Duration) -> String {
    httpdate::fmt_http_date(SystemTime::now() + ahead)
}

#[tokio::test]
async fn a_pause_that_is_longer_than_the_call_may_take_isnt_begun() {
    let date = httpdate(Duration::from_secs(3_600));
    for (said, pause) in [("601", "601s"), (date.as_str(), "3")] {
        let stage = Stage::with([refusing(429).header("retry-after", said), Reply::complete("Now")]).await;
        let error = ask(&stage.model(), vec![user("Hello")]).await.error.unwrap();
        assert_eq!((error.kind, stage.asked().len()), (ModelFailure::RateLimited, 1));
        assert!(error.message.contains(&format!("; the next attempt would be in {pause}")), "{error}");
        assert!(error.message.ends_with(", later than setting `model.timeout` allows"), "{error}");
    }
}

#[tokio::test]
async fn a_connection_that_cant_be_made_is_tried_again() {
    let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(); // and closed again
    let timeouts = OpenAiTimeouts { whole: Duration::from_secs(600), ..OpenAiTimeouts::default() };
    let settings = OpenAiSettings {
        retries: 2,
        backoff: Duration::from_millis(1),
        timeouts,
        ..OpenAiSettings::new(format!("http://{address}/v1"), "small")
    };
    let error = ask(&OpenAiModel::new(settings).unwrap(), vec![user("Hello")]).await.error.unwrap();
    assert_eq!(error.kind, ModelFailure::Unreachable);
    assert!(error.message.ends_with("this was attempt 3, the last one (setting `model.retries`)"), "{error}");
}
