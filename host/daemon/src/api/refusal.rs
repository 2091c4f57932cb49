//! Everything that isn't an answer: one shape, a [`Problem`] with a status.

use super::types::Problem;
use crate::host::{Failure, Kind};
use crate::tokens::{Refused, Scope};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// A request that isn't answered with what it asks for.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    problem: Box<Problem>,
    /// What a caller without the right token is told to bring.
    challenge: Option<HeaderValue>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            problem: Box::new(Problem { code: code.to_owned(), message: message.into(), step: None, near: None }),
            challenge: None,
        }
    }

    /// A body or a query that makes no sense.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Failure::invalid(message).into()
    }

    /// A body that is too large.
    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Failure::new(Kind::TooLarge, "too-large", message).into()
    }

    fn challenged(self, challenge: &str) -> Self {
        Self { challenge: HeaderValue::from_str(challenge).ok(), ..self }
    }
}

impl From<Failure> for Refusal {
    fn from(Failure { kind, problem }: Failure) -> Self {
        let status = match kind {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Unanswered => StatusCode::BAD_GATEWAY,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, problem: Box::new(problem), challenge: None }
    }
}

impl From<Refused> for Refusal {
    /// As RFC 6750 wants it.
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        let (unauthorized, forbidden) = (StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN);
        match refused {
            Refused::Missing => Self::new(unauthorized, "unauthorized", message).challenged("Bearer realm=\"plugbay\""),
            Refused::Malformed(_) | Refused::Unknown | Refused::Expired { .. } => {
                Self::new(unauthorized, "unauthorized", message).challenged("Bearer realm=\"plugbay\", error=\"invalid_token\"")
            }
            Refused::TooSmall { needed, .. } => Self::new(forbidden, "forbidden", message).challenged(&lacks(needed)),
        }
    }
}

fn lacks(needed: Scope) -> String {
    format!("Bearer realm=\"plugbay\", error=\"insufficient_scope\", scope=\"{needed}\"")
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        Self::invalid(format!("the path can't be read: {}", rejection.body_text()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(*self.problem)).into_response();
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// There is no such path.
pub(super) async fn no_such_path(uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(200).collect();
    Refusal::new(StatusCode::NOT_FOUND, "not-found", format!("there is no path `{path}`: `/openapi.json` describes all that there are"))
}

/// The path isn't for this method.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("`{method}` isn't for `{path}`: the header `Allow` says what is");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message)
}

/// A handler that panicked: a defect, which costs this request and no other.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler of the HTTP interface panicked");
    Refusal::from(Failure::internal("a defect of the host kept it from answering; its log says more")).into_response()
}
