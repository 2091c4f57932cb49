//! Actions: each stage at which one may end, and what the caller is told.

use super::stage::{Hand, NEW_YEAR, acts, by, errand, jobs_are, noted, person, session};
use crate::turns::stage::Stage;
use plugbay_gateway::runtime::{ActionFailure, ActionOutcome, ActionSuccess, Json, Scope};
use plugbay_gateway::{Act, ActError};
use serde_json::{Value, json};

async fn stage() -> Stage {
    let hand = Hand::at(NEW_YEAR);
    let (stage, _) = errand(by(&hand, None), hand.memory()).await;
    session(&stage).await;
    stage
}

fn act(action: &str, session: Option<&str>, params: Option<Value>, scopes: &[&str]) -> Act {
    Act { plugin: "errand".into(), action: action.into(), session: session.map(str::to_owned), params, by: person(scopes) }
}

fn success(outcome: ActionOutcome) -> ActionSuccess {
    match outcome {
        ActionOutcome::Success(success) => success,
        ActionOutcome::Failure(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test]
async fn it_is_told_who_acts_where_and_answers() {
    let stage = stage().await;
    let done = success(acts(&stage, "greet", json!({ "name": "Bob" })).await.unwrap());
    let result: Value = done.result.unwrap().parse().unwrap();
    assert_eq!(
        result,
        json!({ "greeted": "Bob", "session": "s", "by": { "channel": "test", "sender": "ada", "scopes": ["operator.admin"] } })
    );
    assert_eq!((done.reply.as_deref(), done.continue_agent), (Some("Hello, Bob!"), false));
    let anywhere = success(stage.gateway.act(act("greet", None, Some(json!({ "name": "x" })), &["operator.write"])).await.unwrap().outcome);
    assert_eq!(anywhere.result.unwrap().parse().unwrap()["session"], Value::Null);
}

#[tokio::test]
async fn what_it_says_that_it_could_not_do_is_an_answer() {
    let stage = stage().await;
    let asked = json!({ "error": "not today", "code": "sunday", "details": { "open": "monday" } });
    let ActionOutcome::Failure(failure) = acts(&stage, "refuse", asked).await.unwrap() else { panic!("it succeeded") };
    let details = Json::from_value(&json!({ "open": "monday" })).unwrap();
    assert_eq!(failure, ActionFailure { error: "not today".into(), code: Some("sunday".into()), details: Some(details) });
}

#[tokio::test]
async fn each_stage_refuses_by_name() {
    let stage = stage().await;
    let write = ["operator.write"];
    let refused = async |act: Act| stage.gateway.act(act).await.unwrap_err();
    let unknown = Act { plugin: "errant".into(), ..act("greet", None, None, &write) };
    assert_eq!(refused(unknown).await.to_string(), "there is no plugin `errant`");
    let other = refused(act("great", None, None, &write)).await;
    assert!(matches!(&other, ActError::UnknownAction { known, .. } if known.contains(&"greet".to_owned())), "{other}");
    assert!(
        matches!(refused(act("greet", Some("nowhere"), Some(json!({ "name": "x" })), &write)).await, ActError::UnknownSession(key) if key == "nowhere")
    );
    for (action, scopes, needs) in [
        ("greet", &["operator.read"][..], Scope::Write),
        ("forget-all", &["operator.write"], Scope::Admin),
        ("nod", &["chat"], Scope::Read),
    ] {
        let error = refused(act(action, None, None, scopes)).await;
        assert!(matches!(&error, ActError::Forbidden { needs: needed, .. } if *needed == needs), "{action}: {error}");
        assert!(error.to_string().contains(needs.name()), "{error}");
    }
    assert!(stage.gateway.act(act("nod", None, None, &["operator.admin"])).await.is_ok(), "who may more, may this");
    assert!(stage.gateway.act(act("nod", None, Some(json!({})), &write)).await.is_ok(), "an empty form is no form");
    let nothing_right = refused(act("greet", Some("nowhere"), Some(json!({})), &write)).await;
    assert!(matches!(nothing_right, ActError::UnknownSession(_)), "first the session: {nothing_right}");
    for (action, params, says) in [
        ("greet", Some(json!({})), "name"),
        ("greet", None, "name"),
        ("greet", Some(json!({ "name": 7 })), "/name"),
        ("greet", Some(json!({ "name": "x", "nmae": "y" })), "nmae"),
        ("greet", Some(json!({ "name": "x".repeat(70_000) })), "65536"),
        ("nod", Some(json!({ "name": "x" })), "takes none"),
    ] {
        let error = refused(act(action, None, params.clone(), &write)).await;
        assert!(matches!(&error, ActError::Params { .. }) && error.to_string().contains(says), "{params:?}: {error}");
    }
}

#[tokio::test]
async fn how_it_breaks_is_for_the_log() {
    let stage = stage().await;
    for how in ["err", "panic", "blank"] {
        let error = acts(&stage, "break", json!({ "how": how })).await.unwrap_err();
        assert_eq!(error.to_string(), "plugin `errand` failed at `break`: its log says why", "{how}");
    }
    assert!(acts(&stage, "nod", json!([])).await.is_err(), "it takes no parameters");
    assert!(stage.gateway.act(act("nod", Some("s"), None, &["operator.write"])).await.is_ok(), "it goes on");
}

#[tokio::test]
async fn the_agent_goes_on_once_with_what_was_answered() {
    let stage = stage().await;
    let done = success(acts(&stage, "greet", json!({ "name": "Bob", "continue": true })).await.unwrap());
    assert!(done.continue_agent);
    jobs_are(&stage, <[_]>::is_empty).await;
    assert_eq!(stage.runs("s").await.len(), 2);
    let run = stage.runs("s").await.remove(0);
    assert_eq!((run.trigger.as_str(), run.status, &run.facts["principal"]["sender"]), ("action", "done", &json!("ada")));
    let said = stage.words("s").await;
    let told: Vec<_> = said.iter().filter(|line| line.contains("Greet somebody")).collect();
    assert_eq!(said.iter().filter(|line| line.starts_with("user: ada ran the action")).count(), 1, "{said:?}");
    assert!(noted(&stage).await.1.is_empty(), "that is no job of the plugin's");
    assert_eq!(told[0], "user: ada ran the action \"Greet somebody\" of the plugin `errand`, which answered: Hello, Bob!", "{said:?}");
    let nowhere = stage.gateway.act(act("greet", None, Some(json!({ "name": "x", "continue": true })), &["operator.write"])).await;
    assert!(matches!(nowhere, Err(ActError::NoSession { .. })));
}

#[tokio::test]
async fn what_is_listed_is_what_serves() {
    let stage = stage().await;
    let set = stage.gateway.actions().now();
    let greet = set.actions().find(|action| action.id == "greet").unwrap();
    assert_eq!((greet.title.as_str(), greet.scope, greet.generation), ("Greet somebody", Scope::Write, 1));
    assert_eq!(greet.params.as_ref().unwrap()["required"], json!(["name"]));
    let nod = set.actions().find(|action| action.id == "nod").unwrap();
    assert_eq!((&nod.params, nod.scope), (&None, Scope::Read));
    let ui: Vec<_> = set.ui().iter().map(|ui| (ui.shown.id.as_str(), ui.scope)).collect();
    assert_eq!(ui, [("house-keeping", Scope::Admin), ("panel", Scope::Read)]);
    stage.gateway.plugins().missing("errand".to_owned().try_into().unwrap(), plugbay_gateway::runtime::Order::by("test")).await.unwrap();
    assert_eq!(stage.gateway.actions().now().actions().count(), 0);
    assert!(matches!(stage.gateway.act(act("nod", None, None, &["operator.write"])).await, Err(ActError::NotServing { .. })));
}
