//! What a request gives: parts of its path, its query, its body. Whatever is wrong with them is a [`Refusal`] that says what.
//!
//! A query or a body with something that nobody would read is refused: a mistyped `purge` should not pass as none. Bodies are bounded in size, by what they
//! say of themselves before a byte is read, and in time.

use super::Api;
use super::refusal::Refusal;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::Duration;

/// Bytes of a body of JSON.
const JSON: usize = 1 << 20;
/// How long a body may take to arrive.
const ARRIVES: Duration = Duration::from_secs(60);

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Refusal))]
pub(super) struct Named<T>(pub(super) T);

/// The query.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        known("query", serde_html_form::Deserializer::from_bytes(query.as_bytes())).map(Self)
    }
}

/// A body of JSON.
pub(super) struct Given<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Given<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        of_type(request.headers(), "application/json")?;
        json(&body(request, JSON, "for JSON").await?).map(Self)
    }
}

/// A body of JSON that may be left out.
pub(super) struct Perhaps<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for Perhaps<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let typed = of_type(request.headers(), "application/json");
        let body = body(request, JSON, "for JSON").await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        json(&body).map(Self)
    }
}

/// A component. Few of them are taken at once, since each is held in memory.
pub(super) struct Component(pub(super) Vec<u8>);

impl FromRequest<Api> for Component {
    type Rejection = Refusal;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Refusal> {
        of_type(request.headers(), "application/wasm")?;
        let _turn = api.0.uploads.acquire().await;
        let limit = api.0.host.config().config.engine.component_size;
        body(request, limit, "set by `engine.component-size`").await.map(|bytes| Self(bytes.into()))
    }
}

fn of_type(headers: &HeaderMap, wanted: &str) -> Result<(), Refusal> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    let given: String = given.chars().take(80).collect();
    let message = format!("the body's type is {given:?}: this needs the header `Content-Type: {wanted}`");
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", message))
}

/// The whole body, or why not; `whose` says whose limit it is.
async fn body(request: Request, limit: usize, whose: &str) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::too_large(format!("the body has more than {limit} bytes, the limit {whose}"));
    if announced(request.headers()).is_some_and(|bytes| bytes > limit as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(ARRIVES, whole(request.into_body(), limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(None)) => Err(too_large()),
        Ok(Err(Some(why))) => Err(Refusal::invalid(format!("the body didn't arrive: {why}"))),
        Err(_) => {
            let message = format!("the body took more than {} s to arrive", ARRIVES.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", message))
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// All bytes; an error without words, if there are too many.
async fn whole(body: Body, limit: usize) -> Result<Bytes, Option<String>> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let too_many = error.source().is_some_and(|e| e.is::<http_body_util::LengthLimitError>());
        (!too_many).then(|| error.to_string())
    })
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let mut text = serde_json::Deserializer::from_slice(body);
    let value = known("body", &mut text)?;
    text.end().map_err(|e| Refusal::invalid(format!("the body can't be read: {e}")))?;
    Ok(value)
}

/// The value, if everything that is given belongs to it.
fn known<'de, T: Deserialize<'de>, D: serde::Deserializer<'de, Error: std::fmt::Display>>(part: &str, given: D) -> Result<T, Refusal> {
    let mut unread = Vec::new();
    let read = serde_ignored::deserialize(given, |path| unread.push(path.to_string()));
    let value = read.map_err(|e| Refusal::invalid(format!("the {part} can't be read: {e}")))?;
    match unread.first() {
        None => Ok(value),
        Some(name) => Err(Refusal::invalid(format!("`{}` isn't known in this {part}", name.chars().take(80).collect::<String>()))),
    }
}
