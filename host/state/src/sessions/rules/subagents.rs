//! Subagents: who is noted, found and forgotten. None of it touches a session.

use super::{Answer, write};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Rows, Weight};
use crate::sessions::{NewSubagent, SessionBounds, Subagent, bounds};

pub(in crate::sessions) async fn add<B: Backend>(backend: &B, new: NewSubagent) -> Result<bool, Problem> {
    bounds::new_subagent(&new)?;
    write(backend, Weight::Few, move |rows, now| {
        let NewSubagent { session, plugin, name, parent, depth, engine, ticket } = new;
        if rows.subagent(&plugin, &name)?.is_some() {
            return Ok(false);
        }
        if let Some(other) = rows.subagent_at(&session)? {
            let whose = format!("{:?} of the plugin {:?}", other.name, other.plugin);
            return Err(Problem::Invalid(format!("the session {session:?} is that of the subagent {whose}: expected one of its own")));
        }
        rows.put_subagent(&Subagent { session, plugin, name, parent, depth, engine, ticket, made_at: now, deleting: false, gone: false })?;
        Ok(true)
    })
    .await
}

pub(in crate::sessions) fn find<B: Backend>(backend: &B, plugin: &str, name: &str) -> Result<Option<Subagent>, Problem> {
    bounds::subagent(plugin, name)?;
    backend.read(Reads::Once, |rows| rows.subagent(plugin, name))
}

pub(in crate::sessions) fn at<B: Backend>(backend: &B, session: &str) -> Result<Option<Subagent>, Problem> {
    bounds::session(session)?;
    backend.read(Reads::Once, |rows| rows.subagent_at(session))
}

pub(in crate::sessions) fn list<B: Backend>(backend: &B, plugin: Option<&str>) -> Result<Vec<Subagent>, Problem> {
    plugin.map_or(Ok(()), bounds::plugin)?;
    let mut listed = Answer::of(backend);
    backend.read(Reads::Once, |rows| {
        rows.subagents(plugin, SessionBounds::ANSWER, &mut |subagent| {
            let bytes = bytes(&subagent);
            listed.take(subagent, bytes)
        })
    })?;
    Ok(listed.taken)
}

pub(in crate::sessions) fn behind<B: Backend>(backend: &B, after: Option<&str>) -> Result<Vec<Subagent>, Problem> {
    after.map_or(Ok(()), bounds::session)?;
    let mut listed = Answer::of(backend);
    backend.read(Reads::Once, |rows| {
        rows.subagents_behind(after, SessionBounds::ANSWER, &mut |subagent| {
            let bytes = bytes(&subagent);
            listed.take(subagent, bytes)
        })
    })?;
    Ok(listed.taken)
}

fn bytes(subagent: &Subagent) -> usize {
    subagent.session.len() + subagent.ticket.as_ref().map_or(0, String::len)
}

/// The session with this key was deleted: if it was a subagent's, that has none any more.
pub(super) fn session_gone(rows: &mut dyn Rows, session: &str) -> Result<(), Problem> {
    match rows.subagent_at(session)? {
        Some(subagent) => rows.put_subagent(&Subagent { gone: true, ..subagent }),
        None => Ok(()),
    }
}

pub(in crate::sessions) async fn mark_deleting<B: Backend>(backend: &B, plugin: &str, name: &str) -> Result<bool, Problem> {
    change(backend, plugin, name, |subagent| subagent.deleting = true).await
}

pub(in crate::sessions) async fn set_ticket<B: Backend>(
    backend: &B,
    plugin: &str,
    name: &str,
    engine: Option<String>,
    ticket: Option<String>,
) -> Result<bool, Problem> {
    bounds::ticket(engine.as_deref(), ticket.as_deref())?;
    change(backend, plugin, name, move |subagent| (subagent.engine, subagent.ticket) = (engine, ticket)).await
}

/// Changes a subagent. Whether there is one.
async fn change<B: Backend>(
    backend: &B,
    plugin: &str,
    name: &str,
    change: impl FnOnce(&mut Subagent) + Send + 'static,
) -> Result<bool, Problem> {
    bounds::subagent(plugin, name)?;
    let (plugin, name) = (plugin.to_owned(), name.to_owned());
    write(backend, Weight::Few, move |rows, _| {
        let Some(mut subagent) = rows.subagent(&plugin, &name)? else { return Ok(false) };
        change(&mut subagent);
        rows.put_subagent(&subagent)?;
        Ok(true)
    })
    .await
}

pub(in crate::sessions) async fn forget<B: Backend>(backend: &B, plugin: &str, name: &str) -> Result<bool, Problem> {
    bounds::subagent(plugin, name)?;
    let (plugin, name) = (plugin.to_owned(), name.to_owned());
    write(backend, Weight::Few, move |rows, _| {
        let there = rows.subagent(&plugin, &name)?.is_some();
        if there {
            rows.remove_subagent(&plugin, &name)?;
        }
        Ok(there)
    })
    .await
}
