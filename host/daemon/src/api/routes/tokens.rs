//! Tokens of callers over TCP.

use crate::api::Api;
use crate::api::document::{Always, Changes, Names, Takes};
use crate::api::given::{Given, Named};
use crate::api::refusal::Refusal;
use crate::api::types::{IssuedToken, NewToken, TokenList, TokenView};
use crate::tokens::Caller;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, HeaderName};

/// All tokens, without their secrets.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", security(("token" = ["operator.admin"])),
    responses((status = 200, description = "The tokens.", body = TokenList), Always))]
pub(super) async fn list(State(api): State<Api>) -> Json<TokenList> {
    Json(api.host().tokens())
}

/// Issues a token. Its secret is in this answer, and nowhere else.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", security(("token" = ["operator.admin"])), request_body = NewToken,
    responses((status = 200, description = "The token.", body = IssuedToken), Takes, Changes, Always))]
pub(super) async fn issue(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Given(asked): Given<NewToken>,
) -> Result<([(HeaderName, &'static str); 1], Json<IssuedToken>), Refusal> {
    let issued = api.change(caller, None, |host, by| async move { host.issue_token(asked, by).await }).await?;
    Ok(([(CACHE_CONTROL, "no-store")], issued))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/v1/tokens/{name}", tag = "tokens", security(("token" = ["operator.admin"])),
    params(("name" = String, Path, description = "The token's name.")),
    responses((status = 200, description = "It is refused from now on.", body = TokenView), Names, Changes, Always))]
pub(super) async fn revoke(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<Json<TokenView>, Refusal> {
    api.change(caller, None, |host, by| async move { host.revoke_token(&name, by).await }).await
}
