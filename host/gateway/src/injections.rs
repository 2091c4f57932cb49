//! Injections, as plugins queue them: text that the agent is shown once, in the next turn of a session.
//!
//! Here they are checked and written; who claims and shows them is the turn. It costs one commit. What is beyond a bound is refused by name, and nothing
//! is cut.

use plugbay_runtime::state::{NewInjection, Queued, SessionBounds, SessionStore};
use plugbay_runtime::{InjectionQueued, InjectionRequest, PluginId, ServiceCode, ServiceError, Session};
use std::sync::Arc;
use uuid::Uuid;

/// Where plugins queue injections.
#[derive(Clone)]
pub(crate) struct Injections {
    store: Arc<dyn SessionStore>,
}

impl Injections {
    pub(crate) fn new(store: Arc<dyn SessionStore>) -> Self {
        Self { store }
    }

    /// Queues one.
    ///
    /// # Errors
    /// `InvalidInput`, `Gone`, `LimitExceeded`, `Failed`.
    pub(crate) async fn enqueue(
        &self,
        plugin: &PluginId,
        session: &Session,
        asked: InjectionRequest,
    ) -> Result<InjectionQueued, ServiceError> {
        let text = text(&asked.text)?.to_owned();
        let key = asked.key.as_deref().map(key).transpose()?.map(str::to_owned);
        let gone = || ServiceError::new(ServiceCode::Gone, "enqueue: the session was deleted, or began another life");
        let (Some(name), Some(life)) = (session.key(), session.id()) else { return Err(gone()) };
        let injection = NewInjection {
            id: Uuid::new_v4().to_string(),
            session: name.to_owned(),
            plugin: plugin.to_string(),
            text,
            append: asked.append,
            priority: asked.priority,
            ttl_ms: asked.ttl_ms,
            key,
            metadata: asked.metadata.map(String::from),
        };
        let id = injection.id.clone();
        match self.store.inject(injection, life).await.map_err(|e| ServiceError::new(ServiceCode::Failed, format!("enqueue: {e}")))? {
            Queued::Fresh => Ok(InjectionQueued { id, fresh: true }),
            Queued::Waits(id) => Ok(InjectionQueued { id, fresh: false }),
            Queued::Full(waiting) => Err(full(waiting)),
            Queued::Gone => Err(gone()),
        }
    }
}

fn full(waiting: u64) -> ServiceError {
    let most = SessionBounds::INJECTIONS;
    let why = format!("enqueue: {waiting} of the plugin wait for this session already, {most} allowed (fixed: no setting changes it)");
    ServiceError::new(ServiceCode::LimitExceeded, why)
}

fn text(text: &str) -> Result<&str, ServiceError> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(invalid("the text is blank".to_owned())),
        n if n > SessionBounds::INJECTION => Err(invalid(format!("the text has {n} characters, {} allowed", SessionBounds::INJECTION))),
        _ => Ok(text),
    }
}

fn key(key: &str) -> Result<&str, ServiceError> {
    match key.len() {
        _ if key.trim().is_empty() => Err(invalid("the idempotency key is blank".to_owned())),
        n if n > SessionBounds::NAME => Err(invalid(format!("the idempotency key has {n} bytes, {} allowed", SessionBounds::NAME))),
        _ => Ok(key),
    }
}

fn invalid(what: String) -> ServiceError {
    ServiceError::new(ServiceCode::InvalidInput, format!("enqueue: {what}"))
}
