//! Who calls, and what they may do.
//!
//! Whoever connects to the socket as the host's own user, or as root, is an administrator; over TCP a token says it. Which scope a route needs is read from
//! the OpenAPI document, so that what is documented is what is asked for; what the document doesn't know needs the largest. Looked at before anything of
//! the body is read. Costs a look at every token.

use super::refusal::Refusal;
use crate::host::Host;
use crate::tokens::{Caller, Scope, bearer};
use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    /// From the socket, by this user.
    User(u32),
    /// From the network.
    Network,
}

/// What routes need.
#[derive(Debug, Default)]
pub(super) struct Scopes(BTreeMap<(String, String), Option<Scope>>);

impl Scopes {
    /// As the OpenAPI document says.
    pub(super) fn of(document: &serde_json::Value) -> Self {
        let paths = document.get("paths").and_then(|paths| paths.as_object()).into_iter().flatten();
        let operations =
            paths.flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |(method, about)| (path, method, about)));
        Self(operations.map(|(path, method, about)| ((path.clone(), method.to_uppercase()), needed(about))).collect())
    }

    /// What this route needs; nothing, if anybody may.
    fn of_route(&self, path: &str, method: &Method) -> Option<Scope> {
        let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(&(path.to_owned(), method.to_string())).copied().unwrap_or(Some(Scope::Admin))
    }
}

/// What an operation needs: the one scope that its `security` names. An empty requirement is for anybody; without `security`, it is for administrators.
fn needed(operation: &serde_json::Value) -> Option<Scope> {
    let Some(requirement) = operation.pointer("/security/0").and_then(|requirement| requirement.as_object()) else {
        return Some(Scope::Admin);
    };
    let scopes = requirement.values().flat_map(|scopes| scopes.as_array().into_iter().flatten());
    let largest = scopes.map(|scope| scope.as_str().and_then(|name| name.parse().ok()).unwrap_or(Scope::Admin)).max();
    if requirement.is_empty() { None } else { Some(largest.unwrap_or(Scope::Admin)) }
}

/// What callers are admitted by.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) host: Host,
    pub(super) scopes: Arc<Scopes>,
}

/// Lets callers pass who may do what they ask for.
pub(super) async fn admit(
    State(door): State<Door>,
    Extension(peer): Extension<Peer>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if let Some(scope) = door.scopes.of_route(path.as_str(), request.method()) {
        let caller = door.caller(peer, &request)?;
        caller.require(scope)?;
        tracing::debug!(who = caller.name, method = %request.method(), path = request.uri().path(), "request");
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

impl Door {
    fn caller(&self, peer: Peer, request: &Request) -> Result<Caller, Refusal> {
        match peer {
            Peer::User(user) => user_at_socket(user, rustix::process::geteuid().as_raw()),
            Peer::Network => {
                Ok(self.host.authenticate(bearer(request.headers().get_all(AUTHORIZATION).iter().map(|value| value.as_bytes()))?)?)
            }
        }
    }
}

fn user_at_socket(user: u32, own: u32) -> Result<Caller, Refusal> {
    if user == own || user == 0 {
        return Ok(Caller { name: format!("uid:{user}"), scope: Scope::Admin });
    }
    let message = format!(
        "user {user} may not use this socket: it is for user {own}, as whom the host runs, and for root; `http.listen` serves others, with tokens"
    );
    Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hosts_own_user_and_root_are_administrators_at_the_socket_and_nobody_else_is_anything() {
        for user in [1000, 0] {
            assert_eq!(user_at_socket(user, 1000).unwrap(), Caller { name: format!("uid:{user}"), scope: Scope::Admin });
        }
        assert!(
            format!("{:?}", user_at_socket(1001, 1000).unwrap_err()).contains("user 1001 may not use this socket: it is for user 1000")
        );
    }

    #[test]
    fn what_the_document_does_not_know_or_does_not_say_is_for_administrators() {
        let scopes = Scopes::of(&json!({ "paths": { "/a": {
            "get": { "security": [{ "token": ["operator.read"] }] },
            "put": { "security": [{}] },
            "post": { "security": [{ "token": [] }] },
            "patch": { "security": [{ "token": ["operator.raed"] }] },
            "delete": {},
        } } }));
        let of = |path: &str, method: Method| scopes.of_route(path, &method);
        assert_eq!((of("/a", Method::GET), of("/a", Method::HEAD), of("/a", Method::PUT)), (Some(Scope::Read), Some(Scope::Read), None));
        for unsaid in
            [of("/a", Method::POST), of("/a", Method::PATCH), of("/a", Method::DELETE), of("/a", Method::OPTIONS), of("/b", Method::GET)]
        {
            assert_eq!(unsaid, Some(Scope::Admin));
        }
    }
}
