//! Turns as answers: as events while they last, or as their end.
//!
//! Whoever reads events has as much waiting for them, in memory, as the turn says; who goes away stops nothing.

use super::refusal::Refusal;
use super::types::{TurnEvent, TurnResult};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use plugbay_gateway::Turn;

/// How a turn is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Its end, when it is there.
    End,
    /// All that happens, when it does.
    Events,
}

impl<S: Sync> FromRequestParts<S> for Shape {
    type Rejection = Refusal;

    /// As the header `Accept` says. Who takes both gets the end.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let given = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let kinds: Vec<_> = given.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()).collect();
        let takes = |wanted: &str| kinds.iter().any(|kind| kind == wanted);
        Ok(if takes("text/event-stream") && !takes("application/json") { Self::Events } else { Self::End })
    }
}

/// Tells a turn.
pub(super) async fn told(turn: Turn, shape: Shape) -> Response {
    match shape {
        Shape::Events => events(turn),
        Shape::End => Json(end(turn).await).into_response(),
    }
}

fn events(turn: Turn) -> Response {
    let accepted = turn.run().map(|run| TurnEvent::Accepted { run: run.to_string() });
    let events = stream::iter(accepted).chain(turn.map(TurnEvent::from)).map(|event| Event::default().event(event.name()).json_data(event));
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

async fn end(turn: Turn) -> TurnResult {
    let run = turn.run().map(ToString::to_string);
    let end = turn.ended().await;
    TurnResult { run, status: end.status.into(), message: end.message, error: end.error }
}
