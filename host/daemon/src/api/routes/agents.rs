//! Turns, begun and cancelled; tools; hooks of gateways with an agent loop of their own; questions to people.

use crate::api::Api;
use crate::api::document::{Always, Changes, Names, Takes};
use crate::api::given::{Given, Named, Perhaps};
use crate::api::refusal::Refusal;
use crate::api::streams::{Shape, told};
use crate::api::types::{
    ApprovalList, Finish, HookFire, HookFired, PreparedView, PromptShown, Resolve, RunNamed, SettledView, Spoken, SpokenWritten,
    ToolCallView, ToolEndView, ToolList, TurnEvent, TurnRequest, TurnResult,
};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::Response;

/// All tools, and names that several plugins claim.
#[utoipa::path(get, path = "/v1/tools", tag = "agents", security(("token" = ["operator.read"])),
    responses((status = 200, description = "The tools that a turn has which begins now.", body = ToolList), Always))]
pub(super) async fn tools(State(api): State<Api>) -> Json<ToolList> {
    Json(api.host().tools())
}

/// Fires a hook at all plugins that handle it, for a gateway with an agent loop of its own. A hook that plugins are only told is handed over, and not waited for.
#[utoipa::path(post, path = "/v1/hooks/{hook}", tag = "agents", security(("token" = ["operator.write"])),
    params(("hook" = String, Path, description = "The hook, such as `before-tool-call`.")), request_body = HookFire,
    responses((status = 200, description = "What plugins want, taken together, and what became of each.", body = HookFired), Names, Takes, Changes, Always))]
pub(super) async fn fire(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(hook): Named<String>,
    Given(asked): Given<HookFire>,
) -> Result<Json<HookFired>, Refusal> {
    Ok(Json(api.host().fire(&hook, asked, &caller).await?))
}

/// Says something to the agent of a session, which is made if there is none.
///
/// With `Accept: text/event-stream` the answer is the turn's events as they happen, each by the name of its kind, with a `TurnEvent` as its data; the last is `end`.
/// Otherwise it is the end of the turn. A client that goes away doesn't stop the turn: that is what cancelling is for.
#[utoipa::path(post, path = "/v1/sessions/{key}/turns", tag = "agents", security(("token" = ["operator.write"])),
    params(("key" = String, Path, description = "The session.")), request_body = TurnRequest,
    responses((status = 200, description = "The turn.", content((TurnResult = "application/json"), (TurnEvent = "text/event-stream"))), Takes, Changes, Always))]
pub(super) async fn turn(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    shape: Shape,
    Given(asked): Given<TurnRequest>,
) -> Result<Response, Refusal> {
    let host = api.host().clone();
    let turn = api.to_the_end(async move { host.turn(&key, asked, &caller).await }).await?;
    Ok(told(turn, shape).await)
}

/// Wakes the agent of a session, though nobody says anything. The answer is as for a turn.
#[utoipa::path(post, path = "/v1/sessions/{key}/heartbeat", tag = "agents", security(("token" = ["operator.write"])),
    params(("key" = String, Path, description = "The session.")),
    responses((status = 200, description = "The turn.", content((TurnResult = "application/json"), (TurnEvent = "text/event-stream"))), Changes, Always))]
pub(super) async fn heartbeat(State(api): State<Api>, Named(key): Named<String>, shape: Shape) -> Result<Response, Refusal> {
    let host = api.host().clone();
    let turn = api.to_the_end(async move { host.heartbeat(&key).await }).await?;
    Ok(told(turn, shape).await)
}

/// Begins a turn whose model the caller runs: waits for its turn in the session, and asks plugins what they add. It is held until it is finished.
#[utoipa::path(post, path = "/v1/sessions/{key}/prepare", tag = "agents", security(("token" = ["operator.write"])),
    params(("key" = String, Path, description = "The session.")), request_body = TurnRequest,
    responses((status = 200, description = "What the model is to be told.", body = PreparedView), Takes, Changes, Always))]
pub(super) async fn prepare(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    Given(asked): Given<TurnRequest>,
) -> Result<Json<PreparedView>, Refusal> {
    // Who goes away while it waits has no turn: nobody else would go on with it.
    Ok(Json(api.host().prepare(&key, asked, &caller).await?))
}

/// The model of a prepared turn is about to be called: what was said is written, and what plugins had queued is spent. Once.
#[utoipa::path(post, path = "/v1/runs/{run}/shown", tag = "agents", security(("token" = ["operator.write"])),
    params(("run" = String, Path, description = "The prepared turn's run.")),
    responses((status = 200, description = "What the model is to be told, as it was written.", body = PromptShown), Names, Changes, Always))]
pub(super) async fn shown(State(api): State<Api>, Named(run): Named<String>) -> Result<Json<PromptShown>, Refusal> {
    let host = api.host().clone();
    Ok(Json(api.to_the_end(async move { host.show_prompt(&run).await }).await?))
}

/// The model of a prepared turn has said something, which is written.
#[utoipa::path(post, path = "/v1/runs/{run}/said", tag = "agents", security(("token" = ["operator.write"])),
    params(("run" = String, Path, description = "The prepared turn's run.")), request_body = Spoken,
    responses((status = 200, description = "The words, as they were written.", body = SpokenWritten), Names, Takes, Changes, Always))]
pub(super) async fn said(
    State(api): State<Api>,
    Named(run): Named<String>,
    Given(spoken): Given<Spoken>,
) -> Result<Json<SpokenWritten>, Refusal> {
    let host = api.host().clone();
    Ok(Json(api.to_the_end(async move { host.speak(&run, spoken).await }).await?))
}

/// Calls a tool in a prepared turn, past policies, hooks and people who are asked; what it answers is written.
#[utoipa::path(post, path = "/v1/runs/{run}/tools", tag = "agents", security(("token" = ["operator.write"])),
    params(("run" = String, Path, description = "The prepared turn's run.")), request_body = ToolCallView,
    responses((status = 200, description = "How the call ended.", body = ToolEndView), Names, Takes, Changes, Always))]
pub(super) async fn call_tool(
    State(api): State<Api>,
    Named(run): Named<String>,
    Given(call): Given<ToolCallView>,
) -> Result<Json<ToolEndView>, Refusal> {
    let host = api.host().clone();
    Ok(Json(api.to_the_end(async move { host.call_tool(&run, call).await }).await?))
}

/// Ends a prepared turn: well, or with what went wrong.
#[utoipa::path(post, path = "/v1/runs/{run}/finish", tag = "agents", security(("token" = ["operator.write"])),
    params(("run" = String, Path, description = "The prepared turn's run.")), request_body = Option<Finish>,
    responses((status = 200, description = "It is over.", body = RunNamed), Names, Takes, Changes, Always))]
pub(super) async fn finish(
    State(api): State<Api>,
    Named(run): Named<String>,
    Perhaps(Finish { error }): Perhaps<Finish>,
) -> Result<Json<RunNamed>, Refusal> {
    let host = api.host().clone();
    Ok(Json(api.to_the_end(async move { host.finish_run(&run, error).await }).await?))
}

/// Cancels a turn that is under way, waits, or is prepared.
#[utoipa::path(post, path = "/v1/runs/{run}/cancel", tag = "agents", security(("token" = ["operator.write"])),
    params(("run" = String, Path, description = "The turn's run.")),
    responses((status = 200, description = "It stops as soon as it can.", body = RunNamed), Names, Always))]
pub(super) async fn cancel(State(api): State<Api>, Named(run): Named<String>) -> Result<Json<RunNamed>, Refusal> {
    Ok(Json(api.host().cancel_run(&run)?))
}

/// Questions of plugins that wait for a person.
#[utoipa::path(get, path = "/v1/approvals", tag = "agents", security(("token" = ["operator.read"])),
    responses((status = 200, description = "The oldest first.", body = ApprovalList), Always))]
pub(super) async fn approvals(State(api): State<Api>) -> Json<ApprovalList> {
    Json(api.host().approvals())
}

/// Answers a question. The first answer counts.
#[utoipa::path(post, path = "/v1/approvals/{id}", tag = "agents", security(("token" = ["operator.write"])),
    params(("id" = String, Path, description = "The question.")), request_body = Resolve,
    responses((status = 200, description = "The answer counts.", body = SettledView), Names, Takes, Changes, Always))]
pub(super) async fn resolve(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Given(answer): Given<Resolve>,
) -> Result<Json<SettledView>, Refusal> {
    api.change(caller, None, |host, by| async move { host.resolve(&id, answer, by).await }).await
}
