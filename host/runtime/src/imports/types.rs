//! `types`: the methods of session and transcript handles. Handles are minted by the host alone, for one call each.

use super::View;
use crate::call::Session;
use crate::hooks::Lowered;
use crate::transcript::{Entry, Outline, Transcript};
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
        self.table.get(&transcript)?.len().map_err(|why| self.guest.fails(unreadable(&why)))
    }

    fn window(&mut self, transcript: Resource<Transcript>, start: u64, count: u32) -> wasmtime::Result<Vec<types::Entry>> {
        let window = self.table.get(&transcript)?.window(start, count).map_err(|why| self.guest.fails(unreadable(&why)))?;
        Ok(window.into_iter().map(Entry::lowered).collect())
    }

    fn entry(&mut self, transcript: Resource<Transcript>, id: u64) -> wasmtime::Result<Option<types::Entry>> {
        let entry = self.table.get(&transcript)?.entry(id).map_err(|why| self.guest.fails(unreadable(&why)))?;
        Ok(entry.map(Entry::lowered))
    }

    /// Reading and counting so much takes its time: on a thread where it is in nobody's way.
    async fn outline(&mut self, transcript: Resource<Transcript>, start: u64, count: u32) -> wasmtime::Result<Vec<types::Outline>> {
        let transcript = self.table.get(&transcript)?.clone();
        let read = tokio::task::spawn_blocking(move || transcript.outline(start, count)).await;
        let outline = read.unwrap_or_else(|e| Err(e.to_string())).map_err(|why| self.guest.fails(unreadable(&why)))?;
        Ok(outline.into_iter().map(|Outline { id, role, tokens }| types::Outline { id, role: role.lowered(), tokens }).collect())
    }

    fn drop(&mut self, transcript: Resource<Transcript>) -> wasmtime::Result<()> {
        self.table.delete(transcript)?;
        Ok(())
    }
}

/// The contract has no word for a conversation that can't be read: the call ends.
fn unreadable(why: &str) -> String {
    format!("the conversation can't be read: {why}")
}
