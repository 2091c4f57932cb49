//! `session-state`: one JSON value to a namespace of the plugin's, for a session that it has a handle of.
//!
//! Grant, namespace, session and liveness are checked here, in this order; the gateway keeps the value and has its projection made.

use super::{NOT_LIVE, View, checked, gone};
use crate::call::Session;
use crate::grant::Grant;
use crate::guest::Guest;
use crate::services::{ServiceCode, ServiceError};
use crate::wire::plugbay::plugin::session_state::{Error, ErrorCode, Host};
use wasmtime::component::Resource;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

fn error(code: ErrorCode, message: impl Into<String>) -> Error {
    Error { code, message: message.into() }
}

/// Whether the plugin may, has the namespace, and the session is there.
fn may_use(guest: &Guest, session: &Session, namespace: &str) -> Result<(), Error> {
    if !guest.has(Grant::State) {
        return Err(error(ErrorCode::Denied, "the operator denied the grant `state`"));
    }
    if !guest.registered(namespace) {
        let known: Vec<_> = guest.namespaces().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("`describe` doesn't name the namespace {namespace:?} in `session-state`; it names: {known}");
        return Err(error(ErrorCode::UnknownNamespace, message));
    }
    gone(session).map_or(Ok(()), |message| Err(error(ErrorCode::Gone, message)))
}

fn state(guest: &Guest, session: &Session, namespace: &str) -> Result<Option<String>, Error> {
    may_use(guest, session, namespace)?;
    let state = guest.services().session_state(&guest.caller(), session, namespace).map_err(told)?;
    Ok(state.map(Into::into))
}

/// Puts a value there, or takes it away.
async fn change(guest: &Guest, session: &Session, namespace: &str, value: Option<String>) -> Result<bool, Error> {
    may_use(guest, session, namespace)?;
    if !guest.may_change() {
        return Err(error(ErrorCode::NotLive, NOT_LIVE));
    }
    let value = value.map(|text| checked("value", text)).transpose();
    let value = value.map_err(|message| error(ErrorCode::InvalidInput, message))?;
    guest.services().set_session_state(&guest.caller(), session, namespace, value).await.map_err(told)
}

impl Host for View<'_> {
    fn read(&mut self, session: Resource<Session>, namespace: String) -> Answer<Option<String>> {
        let session = self.table.get(&session)?;
        Ok(state(self.guest, session, &namespace))
    }

    async fn patch(&mut self, session: Resource<Session>, namespace: String, value: String) -> Answer<()> {
        let session = self.table.get(&session)?;
        Ok(change(self.guest, session, &namespace, Some(value)).await.map(drop))
    }

    async fn unset(&mut self, session: Resource<Session>, namespace: String) -> Answer<bool> {
        let session = self.table.get(&session)?;
        Ok(change(self.guest, session, &namespace, None).await)
    }
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
