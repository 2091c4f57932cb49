//! Whether a plugin runs, in which version, and what it answers.

use crate::api::Api;
use crate::api::document::{Always, Answers, Changes, Names, Takes};
use crate::api::given::{Given, Named, Perhaps};
use crate::api::refusal::Refusal;
use crate::api::types::{Because, Changed, HookAnswer, HookCall, RollbackTo};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};

/// Switches a plugin on.
#[utoipa::path(post, path = "/v1/plugins/{id}/enable", tag = "running", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The plugin.")), request_body = Option<Because>,
    responses((status = 200, description = "It is on.", body = Changed), Names, Takes, Changes, Always))]
pub(super) async fn enable(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Perhaps(Because { why }): Perhaps<Because>,
) -> Result<Json<Changed>, Refusal> {
    api.change(caller, why, |host, by| async move { host.switch(&id, true, by).await }).await
}

/// Switches a plugin off. Its calls stop; what it stored is kept.
#[utoipa::path(post, path = "/v1/plugins/{id}/disable", tag = "running", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The plugin.")), request_body = Option<Because>,
    responses((status = 200, description = "It is off.", body = Changed), Names, Takes, Changes, Always))]
pub(super) async fn disable(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Perhaps(Because { why }): Perhaps<Because>,
) -> Result<Json<Changed>, Refusal> {
    api.change(caller, why, |host, by| async move { host.switch(&id, false, by).await }).await
}

/// Ends a plugin's quarantine, and closes its breaker.
#[utoipa::path(post, path = "/v1/plugins/{id}/reset", tag = "running", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The plugin.")), request_body = Option<Because>,
    responses((status = 200, description = "It serves again.", body = Changed), Names, Takes, Changes, Always))]
pub(super) async fn reset(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Perhaps(Because { why }): Perhaps<Because>,
) -> Result<Json<Changed>, Refusal> {
    api.change(caller, why, |host, by| async move { host.reset(&id, by).await }).await
}

/// Goes back to a version that ran before: the one that is named, or the last that didn't fail.
#[utoipa::path(post, path = "/v1/plugins/{id}/rollback", tag = "running", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The plugin.")), request_body = Option<RollbackTo>,
    responses((status = 200, description = "That version serves.", body = Changed), Names, Takes, Changes, Always))]
pub(super) async fn roll_back(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Perhaps(RollbackTo { digest, why }): Perhaps<RollbackTo>,
) -> Result<Json<Changed>, Refusal> {
    api.change(caller, why, |host, by| async move { host.roll_back(&id, digest.as_deref(), by).await }).await
}

/// Fires a hook at one plugin, and answers what the plugin wants.
#[utoipa::path(post, path = "/v1/plugins/{id}/hooks/{hook}", tag = "running", security(("token" = ["operator.write"])),
    params(("id" = String, Path, description = "The plugin."), ("hook" = String, Path, description = "The hook, such as `before-tool-call`.")),
    request_body = HookCall,
    responses((status = 200, description = "What the plugin answered.", body = HookAnswer), Names, Takes, Answers, Always))]
pub(super) async fn call(
    State(api): State<Api>,
    Named((id, hook)): Named<(String, String)>,
    Given(call): Given<HookCall>,
) -> Result<Json<HookAnswer>, Refusal> {
    Ok(Json(api.host().call(&id, &hook, call).await?))
}
