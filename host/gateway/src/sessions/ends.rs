//! The end of a session's life: by a reset, which begins another, or for good.
//!
//! Both wait for their turn in the session's line; once it has come they are done to the end, though the caller may be gone. What the host keeps for plugins goes with the life, in one commit; then plugins are told, in this order: `session-end`,
//! `session-start` of the next life, `cleanup`.

use super::{Place, StoredConversation};
use crate::desk::tell_cleanup;
use crate::gateway::Gateway;
use crate::runs::now;
use crate::turn::TurnError;
use plugbay_runtime::state::{SessionRow, StateError};
use plugbay_runtime::{
    BeforeReset, Call, CleanupReason, Resetting, Session, SessionBegan, SessionEnd, SessionEndReason, SessionEnded, SessionStart,
    Transcript,
};
use std::sync::{Arc, PoisonError};
use uuid::Uuid;

impl Gateway {
    /// Begins another life of a session, and answers its id. None: there is no such session.
    ///
    /// # Errors
    /// If too many turns wait, the gateway stops, or the state can't be written.
    pub async fn reset(&self, key: &str) -> Result<Option<String>, TurnError> {
        let (turn, gateway, key) = (self.turn_of(key).await?, self.clone(), key.to_owned());
        let reset = async move {
            let _turn = turn;
            gateway.next_life(&key).await
        };
        self.0.to_its_end(reset).await
    }

    async fn next_life(&self, key: &str) -> Result<Option<String>, TurnError> {
        let Some(row) = self.0.store.session(key).await? else { return Ok(None) };
        let next = Uuid::new_v4().to_string();
        self.0.hooks.tell::<BeforeReset>(&self.about(&row), Resetting { messages: row.entries, attrs: Vec::new() });
        let Some(row) = self.life_over(key, Some(&next)).await? else { return Ok(None) };
        self.tell_end_of(&row, SessionEndReason::Reset, Some(next.clone()));
        let began = Call::new().session(self.0.desk.handles().handle(key, &next));
        self.0.hooks.tell::<SessionStart>(&began, SessionBegan { previous: Some(row.id.clone()), attrs: Vec::new() });
        tell_cleanup(&self.0.hooks, key, &row.id, CleanupReason::Reset);
        self.release(key).await;
        Ok(Some(next))
    }

    /// Deletes a session with all that belongs to it. Whether there was one. Handles of it that plugins hold answer `gone` from now on.
    ///
    /// # Errors
    /// If too many turns wait, the gateway stops, or the state can't be written.
    pub async fn delete(&self, key: &str) -> Result<bool, TurnError> {
        let (turn, gateway, key) = (self.turn_of(key).await?, self.clone(), key.to_owned());
        let delete = async move {
            let _turn = turn;
            gateway.end_for_good(&key).await
        };
        self.0.to_its_end(delete).await
    }

    /// Deletes a subagent's session; not one that somebody else has made since its own was deleted.
    ///
    /// # Errors
    /// As for [`Gateway::delete`].
    pub(crate) async fn delete_for_subagent(&self, key: &str) -> Result<(), TurnError> {
        let (turn, gateway, key) = (self.turn_of(key).await?, self.clone(), key.to_owned());
        let delete = async move {
            let _turn = turn;
            if gateway.0.store.subagent_at(&key).await?.is_some_and(|subagent| !subagent.gone) {
                gateway.end_for_good(&key).await?;
            }
            Ok(())
        };
        self.0.to_its_end(delete).await
    }

    /// Ends a life, and notes in the same commit that those who work for it are to go, unless they may outlive it.
    async fn life_over(&self, key: &str, next: Option<&str>) -> Result<Option<SessionRow>, StateError> {
        match (self.0.agent.subagents.outlive, next) {
            (false, _) => self.0.store.end_life(key, next).await,
            (true, Some(next)) => self.0.store.reset_session(key, next).await,
            (true, None) => self.0.store.delete_session(key).await,
        }
    }

    async fn end_for_good(&self, key: &str) -> Result<bool, TurnError> {
        let delivered = self.deliveries().of_session(key).await?;
        let Some(row) = self.life_over(key, None).await? else { return Ok(false) };
        self.deliveries().session_gone(delivered).await;
        self.0.desk.handles().deleted(key);
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.tell_end_of(&row, SessionEndReason::Delete, None);
        tell_cleanup(&self.0.hooks, key, &row.id, CleanupReason::Delete);
        self.session_gone(key).await;
        Ok(true)
    }

    /// Waits for a turn in the session's line.
    pub(crate) async fn turn_of(&self, key: &str) -> Result<Place, TurnError> {
        self.0.open()?;
        let mut place = self.0.enter(key)?;
        match self.0.closing.run_until_cancelled(place.turn()).await {
            Some(()) => Ok(place),
            None => Err(TurnError::Stopping),
        }
    }

    /// A call about a life that there still is, with its conversation.
    pub(crate) fn about(&self, row: &SessionRow) -> Call {
        let (key, life): (Arc<str>, Arc<str>) = (row.key.as_str().into(), row.id.as_str().into());
        let transcript = StoredConversation::new(self.0.store.clone(), key, life, row.entries);
        Call::new().session(self.0.desk.handles().handle(&row.key, &row.id)).transcript(Transcript::of(Arc::new(transcript)))
    }

    /// Tells of the end of a life that isn't any more: with a handle of its own, by which plugins still learn its name.
    fn tell_end_of(&self, row: &SessionRow, reason: SessionEndReason, next: Option<String>) {
        let call = Call::new().session(Session::new(&row.key, &row.id));
        let (messages, duration_ms) = (row.entries, now().saturating_sub(row.began_at));
        self.0.hooks.tell::<SessionEnd>(&call, SessionEnded { reason, messages, duration_ms, next, attrs: Vec::new() });
    }
}
