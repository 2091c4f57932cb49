//! `subagents`: agents that work for the plugin. Whose they are comes from the cell that asks; sessions, runs and who may wait for whom are the gateway's.

use super::{NOT_LIVE, View};
use crate::call::Session;
use crate::grant::Grant;
use crate::guest::Guest;
use crate::hooks::Lowered;
use crate::id::PluginId;
use crate::services::{ServiceCode, ServiceError, SubagentState, SubagentStatus};
use crate::transcript::Entry;
use crate::wire::plugbay::plugin::subagents::{Error, ErrorCode, Host, Request, Started, State, Status};
use crate::wire::types;
use std::time::Duration;
use wasmtime::component::Resource;

/// Bytes of a message.
const MESSAGE: usize = 256 << 10;

fn error(code: ErrorCode, message: impl Into<String>) -> Error {
    Error { code, message: message.into() }
}

/// Whether a call may have to do with subagents at all.
fn open(guest: &Guest) -> Result<(), Error> {
    if !guest.has(Grant::Subagents) {
        return Err(error(ErrorCode::Denied, "the operator denied the grant `subagents`"));
    }
    if !guest.may_change() {
        return Err(error(ErrorCode::NotLive, NOT_LIVE));
    }
    let run = guest.call.as_ref().and_then(|under_way| under_way.call.run_id());
    if run.is_none() {
        return Err(error(ErrorCode::NoLiveRequest, "no turn is under way behind this call: subagents work for a turn"));
    }
    Ok(())
}

/// A subagent's name: of the form of an id.
fn named(name: &str) -> Result<(), Error> {
    let no = |why| error(ErrorCode::InvalidInput, format!("`name` {name:?}: {why}"));
    PluginId::try_from(name.to_owned()).map(drop).map_err(no)
}

impl Host for View<'_> {
    async fn run(&mut self, request: Request) -> wasmtime::Result<Result<Started, Error>> {
        let started = match run(self.guest, request).await {
            Ok(started) => started,
            Err(error) => return Ok(Err(error)),
        };
        let (session, run): (Session, _) = (started.session, started.run.to_string());
        let session: Resource<Session> = self.table.push(session)?;
        Ok(Ok(Started { session, run }))
    }

    async fn wait(&mut self, run: String, timeout_ms: u32) -> wasmtime::Result<Result<Status, Error>> {
        Ok(wait(self.guest, &run, timeout_ms).await)
    }

    async fn messages(&mut self, name: String, limit: u32) -> wasmtime::Result<Result<Vec<types::Entry>, Error>> {
        Ok(messages(self.guest, &name, limit).await)
    }

    async fn delete(&mut self, name: String) -> wasmtime::Result<Result<bool, Error>> {
        Ok(delete(self.guest, &name).await)
    }
}

async fn run(guest: &Guest, request: Request) -> Result<crate::services::SubagentStarted, Error> {
    open(guest)?;
    let Request { name, message, attrs: _ } = request;
    named(&name)?;
    if message.len() > MESSAGE {
        let why = format!("run: `message` has {} bytes, {MESSAGE} are allowed", message.len());
        return Err(error(ErrorCode::InvalidInput, why));
    }
    guest.services().run_subagent(&guest.caller(), &name, message).await.map_err(told)
}

async fn wait(guest: &Guest, run: &str, timeout_ms: u32) -> Result<Status, Error> {
    open(guest)?;
    let patience = Duration::from_millis(timeout_ms.into());
    let SubagentStatus { state, text, error } = guest.services().wait_for_subagent(&guest.caller(), run, patience).await.map_err(told)?;
    let state = match state {
        SubagentState::Pending => State::Pending,
        SubagentState::Done => State::Done,
        SubagentState::Blocked => State::Blocked,
        SubagentState::Failed => State::Failed,
        SubagentState::Cancelled => State::Cancelled,
    };
    Ok(Status { state, text, error })
}

async fn messages(guest: &Guest, name: &str, limit: u32) -> Result<Vec<types::Entry>, Error> {
    open(guest)?;
    named(name)?;
    let entries = guest.services().subagent_messages(&guest.caller(), name, limit).await.map_err(told)?;
    Ok(entries.into_iter().map(Entry::lowered).collect())
}

async fn delete(guest: &Guest, name: &str) -> Result<bool, Error> {
    open(guest)?;
    named(name)?;
    guest.services().delete_subagent(&guest.caller(), name).await.map_err(told)
}

fn told(failed: ServiceError) -> Error {
    let code = match failed.code {
        ServiceCode::InvalidInput => ErrorCode::InvalidInput,
        ServiceCode::Unknown | ServiceCode::Gone => ErrorCode::Unknown,
        ServiceCode::Taken => ErrorCode::Taken,
        ServiceCode::NoRun | ServiceCode::Closed => ErrorCode::NoLiveRequest,
        ServiceCode::ReEntrant => ErrorCode::ReEntrant,
        ServiceCode::LimitExceeded => ErrorCode::LimitExceeded,
        ServiceCode::NotPrepared => ErrorCode::NotPrepared,
        _ => ErrorCode::Failed,
    };
    error(code, failed.message)
}
