//! The HTTP interface: what operators do, over a Unix socket and, by setting, over TCP with tokens.
//!
//! Routes are thin: [`Host`] does the work. Each is declared once, with its documentation and its scope: the document that `/openapi.json` answers is made
//! from the routes, and what it says of scopes is what callers are admitted by. Every refusal, whoever makes it, is a [`types::Problem`]. Bodies,
//! connections and times are bounded. A change that is begun comes to its end, although who asked for it is gone.

mod caller;
mod document;
mod files;
mod given;
mod listeners;
mod metrics;
mod refusal;
mod routes;
mod serve;
mod socket;
mod streams;
pub mod types;

pub use listeners::{BindError, Listeners};
pub use serve::serve;

use crate::host::{By, Failure, Host};
use crate::tokens::Caller;
use axum::Json;
use axum::body::Bytes;
use caller::{Door, Scopes};
use refusal::Refusal;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

/// Components that are taken at once; others wait.
const UPLOADS: usize = 4;

/// What routes work with.
#[derive(Clone)]
pub(crate) struct Api(Arc<Inner>);

struct Inner {
    host: Host,
    uploads: Semaphore,
    /// Changes that are under way.
    changes: TaskTracker,
    document: Bytes,
}

impl Api {
    fn host(&self) -> &Host {
        &self.0.host
    }

    /// Makes a change for a caller, to its end even if they are gone.
    async fn change<T, F>(&self, caller: Caller, why: Option<String>, change: impl FnOnce(Host, By) -> F) -> Result<Json<T>, Refusal>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        self.to_the_end(change(self.host().clone(), By::new(caller.name).because(why))).await.map(Json)
    }

    /// Does what is asked for to its end, even if who asked for it is gone.
    async fn to_the_end<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        Ok(self.0.changes.spawn(work).await.map_err(Failure::internal)??)
    }
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> OpenApi {
    routes::all().into_openapi()
}

/// All routes, behind the door.
fn router(host: &Host) -> (Api, axum::Router) {
    let (router, document) = routes::all().split_for_parts();
    // Plain data: this can't fail. If it did, no route would be known to the door, and all would be for administrators.
    let document = serde_json::to_value(document).unwrap_or_default();
    let door = Door { host: host.clone(), scopes: Arc::new(Scopes::of(&document)) };
    let inner =
        Inner { host: host.clone(), uploads: Semaphore::new(UPLOADS), changes: TaskTracker::new(), document: document.to_string().into() };
    let api = Api(Arc::new(inner));
    let router = router
        .route_layer(axum::middleware::from_fn_with_state(door, caller::admit))
        .method_not_allowed_fallback(refusal::no_such_method)
        .fallback(refusal::no_such_path)
        .layer(CatchPanicLayer::custom(refusal::panicked));
    (api.clone(), router.with_state(api))
}
