//! `injections`: text for the next turn of a session that the plugin has a handle of. The gateway keeps the queue and its bounds.

use super::{NOT_LIVE, View, checked, gone};
use crate::call::Session;
use crate::grant::Grant;
use crate::guest::Guest;
use crate::services::{InjectionRequest, ServiceCode, ServiceError};
use crate::wire::plugbay::plugin::injections::{Error, ErrorCode, Host, Injection, Queued};
use crate::wire::types::Placement;
use wasmtime::component::Resource;

fn error(code: ErrorCode, message: impl Into<String>) -> Error {
    Error { code, message: message.into() }
}

async fn queue(guest: &Guest, session: &Session, injection: Injection) -> Result<Queued, Error> {
    if !guest.has(Grant::Prompt) {
        return Err(error(ErrorCode::Denied, "the operator denied the grant `prompt`"));
    }
    if !guest.may_change() {
        return Err(error(ErrorCode::NotLive, NOT_LIVE));
    }
    if let Some(message) = gone(session) {
        return Err(error(ErrorCode::Gone, message));
    }
    if guest.succession().ended().is_some() {
        let message = "the plugin was switched off or uninstalled while this call lasted: nothing is queued for it any more";
        return Err(error(ErrorCode::Failed, message));
    }
    let request = request(injection)?;
    let queued = guest.services().enqueue(&guest.caller(), session, request).await.map_err(told)?;
    Ok(Queued { id: queued.id, fresh: queued.fresh })
}

impl Host for View<'_> {
    async fn enqueue(&mut self, session: Resource<Session>, injection: Injection) -> wasmtime::Result<Result<Queued, Error>> {
        let session = self.table.get(&session)?;
        Ok(queue(self.guest, session, injection).await)
    }
}

fn request(injection: Injection) -> Result<InjectionRequest, Error> {
    let Injection { text, placement, priority, ttl_ms, idempotency_key, metadata } = injection;
    let metadata = metadata.map(|json| checked("metadata", json)).transpose();
    let metadata = metadata.map_err(|message| error(ErrorCode::InvalidInput, message))?;
    let append = match placement {
        Placement::Append => true,
        Placement::Prepend => false,
    };
    Ok(InjectionRequest { text, append, priority, ttl_ms, key: idempotency_key, metadata })
}

fn told(failed: ServiceError) -> Error {
    let code = match failed.code {
        ServiceCode::InvalidInput => ErrorCode::InvalidInput,
        ServiceCode::Gone | ServiceCode::Unknown => ErrorCode::Gone,
        ServiceCode::LimitExceeded => ErrorCode::LimitExceeded,
        _ => ErrorCode::Failed,
    };
    error(code, failed.message)
}
