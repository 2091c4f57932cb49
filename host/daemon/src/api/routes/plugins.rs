//! Which plugins there are, and their coming and going.

use crate::api::Api;
use crate::api::document::{Always, Changes, Names, Takes};
use crate::api::given::{Asked, Component, Named};
use crate::api::refusal::Refusal;
use crate::api::types::{Changed, Inspection, PluginDetail, PluginList, VersionList};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::IntoParams;

/// What is decided about a component that is installed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct InstallQuery {
    /// Grants that it has, by name; may be given several times.
    grant: Vec<String>,
    /// Grants that are denied to it; may be given several times.
    deny: Vec<String>,
    /// Doesn't ask the plugins that may refuse it (`before-install`). The history says so.
    skip_gates: bool,
    /// Why, for the history.
    why: Option<String>,
}

impl InstallQuery {
    fn decisions(&self) -> Result<BTreeMap<String, Option<bool>>, Refusal> {
        if let Some(both) = self.grant.iter().find(|grant| self.deny.contains(grant)) {
            return Err(Refusal::invalid(format!("`{}` is both in `grant` and in `deny`", both.chars().take(80).collect::<String>())));
        }
        let granted = self.grant.iter().map(|grant| (grant.clone(), Some(true)));
        Ok(granted.chain(self.deny.iter().map(|grant| (grant.clone(), Some(false)))).collect())
    }
}

/// How a plugin is uninstalled.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct UninstallQuery {
    /// Deletes what it stored, too.
    purge: bool,
    /// Why, for the history.
    why: Option<String>,
}

/// All plugins, and files of the plugins directory that are none.
#[utoipa::path(get, path = "/v1/plugins", tag = "plugins", security(("token" = ["operator.read"])),
    responses((status = 200, description = "All plugins, by id.", body = PluginList), Always))]
pub(super) async fn list(State(api): State<Api>) -> Json<PluginList> {
    Json(api.host().list())
}

/// All that there is to say of a plugin.
#[utoipa::path(get, path = "/v1/plugins/{id}", tag = "plugins", security(("token" = ["operator.read"])),
    params(("id" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "The plugin.", body = PluginDetail), Names, Always))]
pub(super) async fn show(State(api): State<Api>, Named(id): Named<String>) -> Result<Json<PluginDetail>, Refusal> {
    Ok(Json(api.host().show(&id)?))
}

/// The versions of a plugin that are kept.
#[utoipa::path(get, path = "/v1/plugins/{id}/versions", tag = "plugins", security(("token" = ["operator.read"])),
    params(("id" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "The one that serves first.", body = VersionList), Names, Always))]
pub(super) async fn versions(State(api): State<Api>, Named(id): Named<String>) -> Result<Json<VersionList>, Refusal> {
    Ok(Json(api.host().versions(&id)?))
}

/// Looks at a component, beside what runs of its plugin. Nothing of it is run, and nothing is kept.
#[utoipa::path(post, path = "/v1/inspect", tag = "plugins", security(("token" = ["operator.write"])),
    request_body(content = Vec<u8>, description = "The component.", content_type = "application/wasm"),
    responses((status = 200, description = "What it is and asks for.", body = Inspection), Takes, Changes, Always))]
pub(super) async fn inspect(State(api): State<Api>, Component(bytes): Component) -> Result<Json<Inspection>, Refusal> {
    Ok(Json(api.host().inspect(bytes).await?))
}

/// Installs a component, or puts it in place of its plugin's version; answers when it serves, or is held.
#[utoipa::path(post, path = "/v1/plugins", tag = "plugins", security(("token" = ["operator.admin"])), params(InstallQuery),
    request_body(content = Vec<u8>, description = "The component.", content_type = "application/wasm"),
    responses((status = 200, description = "It is in its place; `change` says whether it serves.", body = Changed), Names, Takes, Changes, Always))]
pub(super) async fn install(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Asked(query): Asked<InstallQuery>,
    Component(bytes): Component,
) -> Result<Json<Changed>, Refusal> {
    let decisions = query.decisions()?;
    api.change(caller, query.why, |host, by| async move { host.install(bytes, &decisions, query.skip_gates, by).await }).await
}

/// Ends a plugin for good. What it stored is kept, unless it is purged.
#[utoipa::path(delete, path = "/v1/plugins/{id}", tag = "plugins", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The plugin."), UninstallQuery),
    responses((status = 200, description = "It is gone.", body = Changed), Names, Changes, Always))]
pub(super) async fn uninstall(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Asked(query): Asked<UninstallQuery>,
) -> Result<Json<Changed>, Refusal> {
    api.change(caller, query.why, |host, by| async move { host.uninstall(&id, query.purge, by).await }).await
}
