//! The plugin against the SDK's fakes: a request from its asking to its end.

mod answers;
mod requests;

use super::*;
use plugbay_sdk::{ActionFailure, ActionSuccess, Principal};

fn plugin(settings: Value) -> DeployApproval {
    let reason = ActivationReason::Install;
    let activation = Activation { reason, config: "{}".into(), granted: Vec::new(), denied: Vec::new(), previous_version: None };
    DeployApproval::activate(&activation, serde_json::from_value(settings).unwrap()).unwrap()
}

/// Somebody with this scope.
fn person(sender: &str, scope: &str) -> Principal {
    Principal { channel: "cli".into(), sender: sender.into(), scopes: vec![scope.into()] }
}

/// A call about a session, by somebody.
fn by(key: &str, sender: &str, scope: &str) -> Call<'static> {
    Call { session: Some(sessions::fake::session(key)), principal: Some(person(sender, scope)), ..Call::default() }
}

/// What the agent of the session `chat` does, for ada.
fn chat() -> Call<'static> {
    by("chat", "ada", "operator.write")
}

fn wanted(environment: &str) -> Wanted {
    Wanted { service: "shop".into(), version: "1.4.2".into(), environment: environment.into(), reason: "The cart loses items.".into() }
}

fn said(result: &ToolResult) -> String {
    serde_json::from_str(&result.content).unwrap()
}

/// Makes a request; its id.
fn asked(plugin: &DeployApproval, environment: &str) -> String {
    let answer = plugin.request_deploy(&chat(), wanted(environment));
    assert!(!answer.is_error, "{}", answer.content);
    said(&answer).split_whitespace().nth(1).unwrap().to_owned()
}

fn approve(plugin: &DeployApproval, call: &Call, request: &str, note: &str) -> ActionResult {
    plugin.approve(call, Approval { request: request.into(), note: note.into() }).unwrap()
}

fn reject(plugin: &DeployApproval, call: &Call, request: &str, reason: &str) -> ActionResult {
    plugin.reject(call, Rejection { request: request.into(), reason: reason.into() }).unwrap()
}

fn success(result: &ActionResult) -> ActionSuccess {
    result.success().unwrap_or_else(|| panic!("{result:?}")).clone()
}

fn failure(result: &ActionResult) -> ActionFailure {
    result.failure().unwrap_or_else(|| panic!("{result:?}")).clone()
}

fn code(result: &ActionResult) -> String {
    failure(result).code.unwrap()
}

fn row(id: &str) -> Request {
    Shelf::open().unwrap().get(id).unwrap().unwrap()
}

/// Names of the jobs that there are.
fn jobs() -> Vec<String> {
    schedule::fake::scheduled().into_iter().map(|known| known.job.name.unwrap()).collect()
}

/// Has a request's time be over, as the host would.
fn time_out(plugin: &DeployApproval, id: &str) {
    let job = schedule::jobs_tagged(&format!("deploy-{id}")).unwrap()[0].id.clone();
    plugin.timers(&chat(), schedule::fake::fire(&job).unwrap()).unwrap();
}

/// Texts that wait for the agent of `chat`.
fn told() -> Vec<String> {
    injections::fake::take("chat").iter().map(|injection| injection.text().to_owned()).collect()
}

/// What is shown of the session `chat`.
fn shown(plugin: &DeployApproval) -> Option<String> {
    let state = session_state::read_json(&sessions::fake::session("chat"), view::NAMESPACE).unwrap().unwrap();
    plugin.session_projection(&Call::default(), Projecting::new(view::NAMESPACE, state)).unwrap()
}
