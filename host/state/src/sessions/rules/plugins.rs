//! What plugins keep of sessions, which they have met, and what they ask.

use super::{alive, lives, touch, write};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Weight};
use crate::sessions::{Question, SessionRow, StateSpot, bounds};

pub(in crate::sessions) async fn put_state<B: Backend>(
    backend: &B,
    at: StateSpot<'_>,
    value: Option<String>,
    shown: Option<String>,
) -> Result<Option<bool>, Problem> {
    bounds::spot(&at)?;
    bounds::state(value.as_deref(), shown.as_deref())?;
    let [session, life, plugin, namespace] = [at.session, at.life, at.plugin, at.namespace].map(str::to_owned);
    write(backend, Weight::Few, move |rows, now| {
        let at = StateSpot { session: &session, life: &life, plugin: &plugin, namespace: &namespace };
        let Some(mut standing) = alive(rows, &session, &life)? else { return Ok(None) };
        let there = rows.state(at)?.is_some();
        match value {
            Some(value) => rows.put_state(at, &value, shown.as_deref())?,
            None if !there => return Ok(Some(false)),
            None => rows.remove_state(at)?,
        }
        touch(&mut standing, now);
        rows.put_session(&session, &standing)?;
        Ok(Some(there))
    })
    .await
}

pub(in crate::sessions) fn state_of<B: Backend>(backend: &B, at: StateSpot<'_>) -> Result<Option<Option<String>>, Problem> {
    bounds::spot(&at)?;
    backend.read(Reads::Together, |rows| alive(rows, at.session, at.life)?.map(|_| rows.state(at)).transpose())
}

pub(in crate::sessions) async fn forget<B: Backend>(backend: &B, plugin: &str, uninstalled: bool) -> Result<(), Problem> {
    bounds::plugin(plugin)?;
    let plugin = plugin.to_owned();
    write(backend, Weight::Many, move |rows, _| {
        rows.forget_injections(&plugin)?;
        rows.forget_jobs(&plugin)?;
        if uninstalled { rows.forget_belongings(&plugin) } else { Ok(()) }
    })
    .await
}

pub(in crate::sessions) async fn meet<B: Backend>(backend: &B, plugin: &str, session: &str) -> Result<(), Problem> {
    bounds::plugin(plugin)?;
    bounds::session(session)?;
    // Met before, as nearly always: that costs no write.
    if backend.read(Reads::Once, |rows| rows.has_met(plugin, session))? {
        return Ok(());
    }
    let (plugin, session) = (plugin.to_owned(), session.to_owned());
    write(backend, Weight::Few, move |rows, _| rows.add_met(&plugin, &session)).await
}

pub(in crate::sessions) fn met<B: Backend>(backend: &B, plugin: &str, session: &str) -> Result<Option<Option<SessionRow>>, Problem> {
    bounds::plugin(plugin)?;
    bounds::session(session)?;
    backend.read(Reads::Together, |rows| rows.has_met(plugin, session)?.then(|| lives::look(rows, session)).transpose())
}

pub(in crate::sessions) async fn ask<B: Backend>(backend: &B, question: Question) -> Result<(), Problem> {
    bounds::question(&question)?;
    write(backend, Weight::Few, move |rows, _| {
        if rows.has_question(&question.id)? {
            return Err(Problem::Invalid(format!("there is a question {:?} already: expected a new id", question.id)));
        }
        rows.add_question(&question)
    })
    .await
}

pub(in crate::sessions) async fn answered<B: Backend>(backend: &B, id: &str) -> Result<bool, Problem> {
    bounds::name("the question's id", id)?;
    let id = id.to_owned();
    write(backend, Weight::Few, move |rows, _| {
        let there = rows.has_question(&id)?;
        if there {
            rows.remove_question(&id)?;
        }
        Ok(there)
    })
    .await
}
