//! Sessions: looked at, reset, deleted, and what plugins keep about them changed.

use crate::api::Api;
use crate::api::document::{Always, Changes, Names, Takes};
use crate::api::given::{Asked, Given, Named, Perhaps};
use crate::api::refusal::Refusal;
use crate::api::types::{
    CompactAsked, ReceiptList, SessionCompacted, SessionDeleted, SessionDetail, SessionList, SessionReset, SessionsQuery, StatePatch,
    StatePatched, TranscriptPage, TranscriptQuery,
};
use crate::host::By;
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};

/// Sessions, with what plugins show there. No plugin is called for it.
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions", security(("token" = ["operator.read"])), params(SessionsQuery),
    responses((status = 200, description = "By key; none behind the last one.", body = SessionList), Always))]
pub(super) async fn list(State(api): State<Api>, Asked(query): Asked<SessionsQuery>) -> Result<Json<SessionList>, Refusal> {
    Ok(Json(api.host().sessions(query).await?))
}

/// A session, with its newest turns.
#[utoipa::path(get, path = "/v1/sessions/{key}", tag = "sessions", security(("token" = ["operator.read"])),
    params(("key" = String, Path, description = "The session.")),
    responses((status = 200, description = "The session.", body = SessionDetail), Names, Always))]
pub(super) async fn show(State(api): State<Api>, Named(key): Named<String>) -> Result<Json<SessionDetail>, Refusal> {
    Ok(Json(api.host().session(&key).await?))
}

/// What was said in a session's present life.
#[utoipa::path(get, path = "/v1/sessions/{key}/transcript", tag = "sessions", security(("token" = ["operator.read"])),
    params(("key" = String, Path, description = "The session."), TranscriptQuery),
    responses((status = 200, description = "Entries, oldest first.", body = TranscriptPage), Names, Always))]
pub(super) async fn transcript(
    State(api): State<Api>,
    Named(key): Named<String>,
    Asked(query): Asked<TranscriptQuery>,
) -> Result<Json<TranscriptPage>, Refusal> {
    Ok(Json(api.host().transcript(&key, query).await?))
}

/// What plugins did in a turn: who was asked or told, what each said, who wasn't and why. Kept in memory, of the newest turns.
#[utoipa::path(get, path = "/v1/sessions/{key}/runs/{run}/receipts", tag = "sessions", security(("token" = ["operator.read"])),
    params(("key" = String, Path, description = "The session."), ("run" = String, Path, description = "The turn's run.")),
    responses((status = 200, description = "In order.", body = ReceiptList), Names, Always))]
pub(super) async fn receipts(State(api): State<Api>, Named((key, run)): Named<(String, String)>) -> Result<Json<ReceiptList>, Refusal> {
    Ok(Json(api.host().receipts(&key, &run).await?))
}

/// Begins another life of a session, behind the turns that wait: its transcript is empty, and what plugins kept about it is gone.
#[utoipa::path(post, path = "/v1/sessions/{key}/reset", tag = "sessions", security(("token" = ["operator.write"])),
    params(("key" = String, Path, description = "The session.")),
    responses((status = 200, description = "Its new life.", body = SessionReset), Names, Changes, Always))]
pub(super) async fn reset(State(api): State<Api>, Named(key): Named<String>) -> Result<Json<SessionReset>, Refusal> {
    let host = api.host().clone();
    Ok(Json(api.to_the_end(async move { host.reset_session(&key).await }).await?))
}

/// Makes a session's conversation smaller, behind the turns that wait: what the model isn't told any more stays in the transcript. The plugin in the slot `context-engine` does it, or the
/// built-in engine, with the model. Who stops waiting stops it.
#[utoipa::path(post, path = "/v1/sessions/{key}/compact", tag = "sessions", security(("token" = ["operator.admin"])),
    params(("key" = String, Path, description = "The session.")),
    request_body = Option<CompactAsked>,
    responses((status = 200, description = "What became of it.", body = SessionCompacted), Names, Takes, Changes, Always))]
pub(super) async fn compact(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    Perhaps(asked): Perhaps<CompactAsked>,
) -> Result<Json<SessionCompacted>, Refusal> {
    Ok(Json(api.host().compact_session(&key, asked, By::new(caller.name)).await?))
}

/// Deletes a session with all that belongs to it, behind the turns that wait.
#[utoipa::path(delete, path = "/v1/sessions/{key}", tag = "sessions", security(("token" = ["operator.admin"])),
    params(("key" = String, Path, description = "The session.")),
    responses((status = 200, description = "It is gone.", body = SessionDeleted), Names, Changes, Always))]
pub(super) async fn delete(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
) -> Result<Json<SessionDeleted>, Refusal> {
    api.change(caller, None, |host, by| async move { host.delete_session(&key, by).await }).await
}

/// Puts what a plugin keeps about a session, or takes it away: `{"value": …}` or `{"unset": true}`.
#[utoipa::path(patch, path = "/v1/sessions/{key}/state/{plugin}/{namespace}", tag = "sessions", security(("token" = ["operator.admin"])),
    params(("key" = String, Path, description = "The session."), ("plugin" = String, Path, description = "The plugin."),
        ("namespace" = String, Path, description = "One of the namespaces that it registers.")),
    request_body = StatePatch,
    responses((status = 200, description = "What is shown of it now.", body = StatePatched), Names, Takes, Changes, Always))]
pub(super) async fn patch_state(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((key, plugin, namespace)): Named<(String, String, String)>,
    Given(patch): Given<StatePatch>,
) -> Result<Json<StatePatched>, Refusal> {
    api.change(caller, None, |host, by| async move { host.patch_state(&key, &plugin, &namespace, patch, by).await }).await
}
