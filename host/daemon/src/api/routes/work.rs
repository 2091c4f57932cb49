//! What plugins have the host do later, and what they have handed over.

use crate::api::Api;
use crate::api::document::{Always, Changes, Names};
use crate::api::files;
use crate::api::given::{Asked, Named};
use crate::api::refusal::Refusal;
use crate::api::types::{DeliveryList, DeliveryRemoved, DeliveryView, JobList, JobRemoved, JobView, JobsQuery, OutboxQuery, RemovalQuery};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::Response;

/// Jobs of plugins. One that is put off while somebody pages comes again behind; none that stays where it is is left out.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", security(("token" = ["operator.read"])), params(JobsQuery),
    responses((status = 200, description = "By when they run next; none behind the last one.", body = JobList), Always))]
pub(super) async fn jobs(State(api): State<Api>, Asked(query): Asked<JobsQuery>) -> Result<Json<JobList>, Refusal> {
    Ok(Json(api.host().jobs(query).await?))
}

/// A job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", security(("token" = ["operator.read"])),
    params(("id" = String, Path, description = "The job.")),
    responses((status = 200, description = "The job.", body = JobView), Names, Always))]
pub(super) async fn job(State(api): State<Api>, Named(id): Named<String>) -> Result<Json<JobView>, Refusal> {
    Ok(Json(api.host().job(&id).await?))
}

/// Removes a job; its plugin is told. A run of it that is under way comes to its end.
#[utoipa::path(delete, path = "/v1/jobs/{id}", tag = "jobs", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The job."), RemovalQuery),
    responses((status = 200, description = "It is gone.", body = JobRemoved), Names, Changes, Always))]
pub(super) async fn remove_job(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Asked(RemovalQuery { why }): Asked<RemovalQuery>,
) -> Result<Json<JobRemoved>, Refusal> {
    api.change(caller, why, |host, by| async move { host.remove_job(&id, by).await }).await
}

/// What was handed over to people.
#[utoipa::path(get, path = "/v1/outbox", tag = "outbox", security(("token" = ["operator.read"])), params(OutboxQuery),
    responses((status = 200, description = "The newest first.", body = DeliveryList), Always))]
pub(super) async fn outbox(State(api): State<Api>, Asked(query): Asked<OutboxQuery>) -> Result<Json<DeliveryList>, Refusal> {
    Ok(Json(api.host().outbox(query).await?))
}

/// A delivery.
#[utoipa::path(get, path = "/v1/outbox/{id}", tag = "outbox", security(("token" = ["operator.read"])),
    params(("id" = String, Path, description = "The delivery.")),
    responses((status = 200, description = "The delivery.", body = DeliveryView), Names, Always))]
pub(super) async fn delivery(State(api): State<Api>, Named(id): Named<String>) -> Result<Json<DeliveryView>, Refusal> {
    Ok(Json(api.host().delivery(&id).await?))
}

/// A file of a delivery, to be saved: as what it was found to be, and with headers that keep whoever shows it from running anything of it.
#[utoipa::path(get, path = "/v1/outbox/{id}/files/{number}", tag = "outbox", security(("token" = ["operator.read"])),
    params(("id" = String, Path, description = "The delivery."), ("number" = u64, Path, description = "The file's number in it; the first is 1.")),
    responses((status = 200, description = "The file.", content((Value = "*/*"))), Names, Always))]
pub(super) async fn file(State(api): State<Api>, Named((id, number)): Named<(String, u64)>) -> Result<Response, Refusal> {
    files::handed_out(api.host().delivered(&id, number).await?).await
}

/// Removes a delivery, with its files.
#[utoipa::path(delete, path = "/v1/outbox/{id}", tag = "outbox", security(("token" = ["operator.admin"])),
    params(("id" = String, Path, description = "The delivery."), RemovalQuery),
    responses((status = 200, description = "It is gone.", body = DeliveryRemoved), Names, Changes, Always))]
pub(super) async fn remove_delivery(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<String>,
    Asked(RemovalQuery { why }): Asked<RemovalQuery>,
) -> Result<Json<DeliveryRemoved>, Refusal> {
    api.change(caller, why, |host, by| async move { host.remove_delivery(&id, by).await }).await
}
