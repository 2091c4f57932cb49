//! What operators decide about a plugin: its grants and its limits.

use crate::api::Api;
use crate::api::document::{Always, Changes, Names, Takes};
use crate::api::given::{Given, Named};
use crate::api::refusal::Refusal;
use crate::api::types::{Changed, GrantsPatch, LimitList, LimitsPatch};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};

/// Decides about grants. The decision holds, whatever the plugin makes of it.
#[utoipa::path(patch, path = "/v1/plugins/{id}/grants", tag = "decisions", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The plugin.")), request_body = GrantsPatch,
    responses((status = 200, description = "It is decided; `change` says what the plugin made of it.", body = Changed), Names, Takes, Changes, Always))]
pub(super) async fn decide(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Given(GrantsPatch { grants, why }): Given<GrantsPatch>,
) -> Result<Json<Changed>, Refusal> {
    api.change(caller, why, |host, by| async move { host.decide(&id, &grants, by).await }).await
}

/// The limits of a plugin, and what was used of them.
#[utoipa::path(get, path = "/v1/plugins/{id}/limits", tag = "decisions", security(("token" = ["operator.read"])),
    params(("id" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "The limits.", body = LimitList), Names, Always))]
pub(super) async fn limits(State(api): State<Api>, Named(id): Named<String>) -> Result<Json<LimitList>, Refusal> {
    Ok(Json(api.host().limits(&id)?))
}

/// Changes limits. What is decided holds, whatever the plugin makes of it.
#[utoipa::path(patch, path = "/v1/plugins/{id}/limits", tag = "decisions", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The plugin.")), request_body = LimitsPatch,
    responses((status = 200, description = "They hold; `change` says what the plugin made of it.", body = Changed), Names, Takes, Changes, Always))]
pub(super) async fn limit(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Given(LimitsPatch { limits, why }): Given<LimitsPatch>,
) -> Result<Json<Changed>, Refusal> {
    api.change(caller, why, |host, by| async move { host.limit(&id, &limits, by).await }).await
}
