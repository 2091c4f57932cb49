//! Sessions and their lives: making, listing, resetting, deleting.

use super::{Answer, subagents, touch, write};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Rows, Weight};
use crate::sessions::bounds;
use crate::sessions::rows::{Standing, Stretch};
use crate::sessions::{Ensured, SessionRow};
use std::num::NonZeroUsize;

/// The session with this key, and what plugins show there.
pub(super) fn look(rows: &dyn Rows, key: &str) -> Result<Option<SessionRow>, Problem> {
    rows.standing(key)?.map(|standing| Ok(standing.row(key.to_owned(), rows.shown(key)?))).transpose()
}

pub(in crate::sessions) fn session<B: Backend>(backend: &B, key: &str) -> Result<Option<SessionRow>, Problem> {
    bounds::session(key)?;
    backend.read(Reads::Together, |rows| look(rows, key))
}

pub(in crate::sessions) async fn ensure<B: Backend>(backend: &B, key: &str, life: &str) -> Result<Ensured, Problem> {
    bounds::life(key, life)?;
    // One that is there costs no write.
    if let Some(session) = session(backend, key)? {
        return Ok(Ensured { session, is_new: false });
    }
    let (key, life) = (key.to_owned(), life.to_owned());
    write(backend, Weight::Few, move |rows, now| {
        // Somebody else may have been quicker.
        if let Some(session) = look(rows, &key)? {
            return Ok(Ensured { session, is_new: false });
        }
        let standing = Standing { life, created_at: now, began_at: now, updated_at: now, stretch: Stretch::default(), runs: 0 };
        rows.put_session(&key, &standing)?;
        Ok(Ensured { session: standing.row(key, Vec::new()), is_new: true })
    })
    .await
}

pub(in crate::sessions) fn sessions<B: Backend>(backend: &B, after: Option<&str>, limit: NonZeroUsize) -> Result<Vec<SessionRow>, Problem> {
    bounds::amount("the sessions' `limit`", limit.get(), "sessions")?;
    after.map_or(Ok(()), bounds::session)?;
    let mut listed = Answer::of(backend);
    backend.read(Reads::Once, |rows| {
        rows.sessions(after, limit.get(), &mut |session| {
            let bytes = session.key.len() + session.shown.iter().map(|shown| shown.value.len()).sum::<usize>();
            listed.take(session, bytes)
        })
    })?;
    Ok(listed.taken)
}

/// What becomes of those who work for a session whose life ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::sessions) enum Workers {
    /// They stay as they are.
    Stay,
    /// They are to be deleted.
    Go,
}

impl Workers {
    fn of(self, rows: &mut dyn Rows, parent: &str) -> Result<(), Problem> {
        match self {
            Self::Stay => Ok(()),
            Self::Go => rows.mark_subagents_of(parent),
        }
    }
}

pub(in crate::sessions) async fn reset<B: Backend>(
    backend: &B,
    key: &str,
    life: &str,
    workers: Workers,
) -> Result<Option<SessionRow>, Problem> {
    bounds::life(key, life)?;
    let (key, life) = (key.to_owned(), life.to_owned());
    write(backend, Weight::Many, move |rows, now| {
        let Some(mut standing) = rows.standing(&key)? else { return Ok(None) };
        if standing.life == life || rows.past_life(&key, &life)?.is_some() {
            return Err(Problem::Invalid(format!(
                "the session {key:?} has had a life {life:?}: expected an id that none of its lives had"
            )));
        }
        let before = standing.clone().row(key.clone(), rows.shown(&key)?);
        let at = touch(&mut standing, now);
        let stretch = Stretch { before: standing.stretch.last(), entries: 0 };
        rows.clear_session(&key)?;
        rows.add_past_life(&key, &standing.life, standing.stretch)?;
        rows.put_session(&key, &Standing { life, began_at: at, stretch, ..standing })?;
        workers.of(rows, &key)?;
        Ok(Some(before))
    })
    .await
}

pub(in crate::sessions) async fn delete<B: Backend>(backend: &B, key: &str, workers: Workers) -> Result<Option<SessionRow>, Problem> {
    bounds::session(key)?;
    let key = key.to_owned();
    write(backend, Weight::Many, move |rows, _| {
        let there = look(rows, &key)?;
        if there.is_some() {
            rows.remove_session(&key)?;
            subagents::session_gone(rows, &key)?;
            workers.of(rows, &key)?;
        }
        Ok(there)
    })
    .await
}
