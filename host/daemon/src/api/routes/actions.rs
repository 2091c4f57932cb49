//! What people have plugins do: actions, commands, and what a page shows of them.

use crate::api::Api;
use crate::api::document::{Always, Answers, Names, Takes, Weighs};
use crate::api::given::{Asked, Named, Perhaps};
use crate::api::refusal::Refusal;
use crate::api::types::{ActionAnswer, ActionList, ActionRequest, ActionsQuery, CommandAnswer, CommandList, CommandRequest, UiList};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};

/// Actions, with all that a page needs to draw each as a form. What is listed may need a larger scope than the caller has: `scope` says which.
#[utoipa::path(get, path = "/v1/actions", tag = "actions", security(("token" = ["operator.read"])), params(ActionsQuery),
    responses((status = 200, description = "By plugin, then id.", body = ActionList), Names, Always))]
pub(super) async fn list(State(api): State<Api>, Asked(query): Asked<ActionsQuery>) -> Result<Json<ActionList>, Refusal> {
    Ok(Json(api.host().actions(query.plugin.as_deref())?))
}

/// Has a plugin do something. Which scope that needs is the action's own: `operator.read` is the least that there is.
///
/// That the plugin says no is an answer as well: `ok` is false then, and `error` says why. Where the agent goes on, a turn of the session begins that is told of it; it is kept before this answers. Who goes
/// away doesn't stop it.
#[utoipa::path(post, path = "/v1/actions/{plugin}/{id}", tag = "actions", security(("token" = ["operator.read"])),
    params(("plugin" = String, Path, description = "The plugin."), ("id" = String, Path, description = "The action.")),
    request_body = Option<ActionRequest>,
    responses((status = 200, description = "What became of it, in the plugin's words.", body = ActionAnswer), Names, Takes, Weighs, Answers, Always))]
pub(super) async fn act(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((plugin, id)): Named<(String, String)>,
    Perhaps(asked): Perhaps<ActionRequest>,
) -> Result<Json<ActionAnswer>, Refusal> {
    let host = api.host().clone();
    Ok(Json(api.to_the_end(async move { host.act(&plugin, &id, asked, &caller).await }).await?))
}

/// Where a page shows what of which plugin, as far as the caller may see it.
#[utoipa::path(get, path = "/v1/ui", tag = "actions", security(("token" = ["operator.read"])),
    responses((status = 200, description = "In the order in which it is to stand.", body = UiList), Always))]
pub(super) async fn ui(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Json<UiList> {
    Json(api.host().ui(&caller))
}

/// Commands of plugins, for people who talk with an agent.
#[utoipa::path(get, path = "/v1/commands", tag = "actions", security(("token" = ["operator.read"])),
    responses((status = 200, description = "By name.", body = CommandList), Always))]
pub(super) async fn commands(State(api): State<Api>) -> Json<CommandList> {
    Json(api.host().commands())
}

/// Runs a command. Which scope that needs is the command's own. Where the agent goes on, that is kept before this answers.
#[utoipa::path(post, path = "/v1/commands/{name}", tag = "actions", security(("token" = ["operator.read"])),
    params(("name" = String, Path, description = "The command, without its slash.")),
    request_body = Option<CommandRequest>,
    responses((status = 200, description = "What the person is shown.", body = CommandAnswer), Names, Takes, Weighs, Answers, Always))]
pub(super) async fn run(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
    Perhaps(asked): Perhaps<CommandRequest>,
) -> Result<Json<CommandAnswer>, Refusal> {
    let host = api.host().clone();
    Ok(Json(api.to_the_end(async move { host.run_command(&name, asked, &caller).await }).await?))
}
