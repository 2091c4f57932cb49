//! What only one plugin does, and which one does it.

use crate::api::Api;
use crate::api::document::{Always, Changes, Names, Takes};
use crate::api::given::{Given, Named};
use crate::api::refusal::Refusal;
use crate::api::types::{SlotChange, SlotList, SlotView};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};

/// What only one plugin does: who is wanted, who serves, and why not the one that is wanted.
#[utoipa::path(get, path = "/v1/slots", tag = "decisions", security(("token" = ["operator.read"])),
    responses((status = 200, description = "All slots.", body = SlotList), Always))]
pub(super) async fn list(State(api): State<Api>) -> Json<SlotList> {
    Json(api.host().slots())
}

/// Gives a slot to a plugin, or with null to the host itself, from the next turn on. The wish holds, whether or not that plugin can serve now.
#[utoipa::path(put, path = "/v1/slots/{slot}", tag = "decisions", security(("token" = ["operator.admin"])),
    params(("slot" = String, Path, description = "`context-engine`.")), request_body = SlotChange,
    responses((status = 200, description = "It is decided; `serving` says who serves.", body = SlotView), Names, Takes, Changes, Always))]
pub(super) async fn fill(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(slot): Named<String>,
    Given(SlotChange { plugin, why }): Given<SlotChange>,
) -> Result<Json<SlotView>, Refusal> {
    api.change(caller, why, |host, by| async move { host.fill(&slot, plugin, by).await }).await
}
