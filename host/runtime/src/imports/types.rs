//! `types`: the methods of session and transcript handles. Handles are minted by the host alone, for one call each.

use super::View;
use crate::call::{Entry, Role, Session, Transcript};
use crate::wire::types::{self, Host, HostSession, HostTranscript, SessionError};
use wasmtime::component::Resource;

impl Host for View<'_> {}

impl HostSession for View<'_> {
    fn key(&mut self, session: Resource<Session>) -> wasmtime::Result<Result<String, SessionError>> {
        Ok(self.table.get(&session)?.key().map(str::to_owned).ok_or(SessionError::Gone))
    }

    fn id(&mut self, session: Resource<Session>) -> wasmtime::Result<Result<String, SessionError>> {
        Ok(self.table.get(&session)?.id().map(str::to_owned).ok_or(SessionError::Gone))
    }

    fn drop(&mut self, session: Resource<Session>) -> wasmtime::Result<()> {
        self.table.delete(session)?;
        Ok(())
    }
}

impl HostTranscript for View<'_> {
    fn len(&mut self, transcript: Resource<Transcript>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&transcript)?.len())
    }

    fn window(&mut self, transcript: Resource<Transcript>, start: u64, count: u32) -> wasmtime::Result<Vec<types::Entry>> {
        Ok(self.table.get(&transcript)?.window(start, count).map(wire).collect())
    }

    fn entry(&mut self, transcript: Resource<Transcript>, id: u64) -> wasmtime::Result<Option<types::Entry>> {
        Ok(self.table.get(&transcript)?.entry(id).map(wire))
    }

    fn drop(&mut self, transcript: Resource<Transcript>) -> wasmtime::Result<()> {
        self.table.delete(transcript)?;
        Ok(())
    }
}

fn wire(entry: &Entry) -> types::Entry {
    let role = match entry.role {
        Role::System => types::Role::System,
        Role::User => types::Role::User,
        Role::Assistant => types::Role::Assistant,
        Role::Tool => types::Role::Tool,
    };
    let Entry { id, at, content, tool_call_id, .. } = entry.clone();
    types::Entry { id, role, at, content: content.into(), tool_call_id }
}
