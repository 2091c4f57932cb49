//! The host as a whole: what was used, what happened, whether it is well.

use crate::api::Api;
use crate::api::document::{Always, Names};
use crate::api::given::Asked;
use crate::api::metrics;
use crate::api::refusal::Refusal;
use crate::api::types::{Findings, HistoryPage, HistoryQuery, Readiness, UsageList};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::IntoParams;

/// Whose usage.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageQuery {
    /// Of this plugin only.
    plugin: Option<String>,
}

/// What plugins have used.
#[utoipa::path(get, path = "/v1/usage", tag = "host", security(("token" = ["operator.read"])), params(UsageQuery),
    responses((status = 200, description = "By plugin and export.", body = UsageList), Names, Always))]
pub(super) async fn usage(State(api): State<Api>, Asked(query): Asked<UsageQuery>) -> Result<Json<UsageList>, Refusal> {
    Ok(Json(api.host().usage(query.plugin.as_deref()).await?))
}

/// What was done, by whom and why.
#[utoipa::path(get, path = "/v1/history", tag = "host", security(("token" = ["operator.read"])), params(HistoryQuery),
    responses((status = 200, description = "The newest first.", body = HistoryPage), Always))]
pub(super) async fn history(State(api): State<Api>, Asked(query): Asked<HistoryQuery>) -> Result<Json<HistoryPage>, Refusal> {
    Ok(Json(api.host().history(query).await?))
}

/// Looks at everything that could be wrong, and says what to do about it.
#[utoipa::path(get, path = "/v1/doctor", tag = "host", security(("token" = ["operator.read"])),
    responses((status = 200, description = "The worst first.", body = Findings), Always))]
pub(super) async fn doctor(State(api): State<Api>) -> Json<Findings> {
    Json(api.host().doctor().await)
}

/// Whether the program answers at all. For anybody.
#[utoipa::path(get, path = "/healthz", tag = "host", security(()),
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain")))]
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the program serves as it should.
#[utoipa::path(get, path = "/readyz", tag = "host", security(("token" = ["operator.read"])),
    responses(Always, (status = 200, description = "It does.", body = Readiness), (status = 503, description = "It doesn't.", body = Readiness)))]
pub(super) async fn ready(State(api): State<Api>) -> (StatusCode, Json<Readiness>) {
    let readiness = api.host().readiness();
    (if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(readiness))
}

/// Everything that is counted, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "host", security(("token" = ["operator.read"])),
    responses((status = 200, description = "In OpenMetrics' text format.", body = String, content_type = "application/openmetrics-text"), Always))]
pub(super) async fn metrics(State(api): State<Api>) -> Result<impl IntoResponse, Refusal> {
    Ok(([(CONTENT_TYPE, metrics::TYPE)], metrics::gather(api.host())?))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "host", security(("token" = ["operator.read"])),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object, content_type = "application/json"), Always))]
pub(super) async fn describe(State(api): State<Api>) -> ([(HeaderName, &'static str); 1], axum::body::Bytes) {
    ([(CONTENT_TYPE, "application/json")], api.0.document.clone())
}
