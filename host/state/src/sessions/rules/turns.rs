//! Runs: what each claims, shows and gives back, and what becomes of those that their host didn't end.

use super::injections::{in_order, is_expired};
use super::transcript::{add, weight};
use super::{Answer, alive, touch, write};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Rows, Weight};
use crate::sessions::{
    Cursor, Injection, InjectionStatus, Interrupted, NewEntry, NewRun, Question, RunRow, RunStatus, SessionBounds, Untold, bounds,
};
use std::num::NonZeroUsize;

pub(in crate::sessions) async fn begin<B: Backend>(backend: &B, new: NewRun) -> Result<Option<Vec<Injection>>, Problem> {
    bounds::new_run(&new)?;
    write(backend, Weight::Few, move |rows, now| {
        let Some(mut standing) = alive(rows, &new.session, &new.life)? else { return Ok(None) };
        if rows.run(&new.run)?.is_some() {
            return Err(Problem::Invalid(format!("there is a run {:?} already: expected an id that was never used", new.run)));
        }
        let claimed = claim(rows, &new, now)?;
        let began_at = touch(&mut standing, now);
        standing.runs += 1;
        rows.put_session(&new.session, &standing)?;
        rows.forget_runs(&new.session, standing.runs.saturating_sub(SessionBounds::RUNS))?;
        rows.add_run(standing.runs, &running(new, began_at))?;
        Ok(Some(claimed))
    })
    .await
}

fn running(new: NewRun, began_at: u64) -> RunRow {
    let NewRun { run, session, life, trigger, facts, plugins: _ } = new;
    RunRow { run, session, life, trigger, facts, status: RunStatus::Running, began_at, ended_at: None, error: None }
}

/// Claims what waits for the run, and drops what has waited for too long or is of a plugin that isn't named.
fn claim(rows: &mut dyn Rows, new: &NewRun, now: u64) -> Result<Vec<Injection>, Problem> {
    let mut claimed = Vec::new();
    for (number, injection) in rows.injections(&new.session)? {
        if injection.status != InjectionStatus::Pending {
            continue;
        }
        if is_expired(injection.created_at, injection.asked.ttl_ms, now) || !new.plugins.contains(&injection.asked.plugin) {
            rows.remove_injection(&new.session, number)?;
            continue;
        }
        rows.mark_injection(&new.session, number, InjectionStatus::Claimed, Some(&new.run))?;
        claimed.push(Injection { status: InjectionStatus::Claimed, run: Some(new.run.clone()), ..injection });
    }
    in_order(&mut claimed);
    Ok(claimed)
}

pub(in crate::sessions) async fn show<B: Backend>(backend: &B, run: &str, entries: Vec<NewEntry>) -> Result<Option<Vec<u64>>, Problem> {
    bounds::run(run)?;
    bounds::entries(&entries)?;
    let run = run.to_owned();
    write(backend, weight(&entries), move |rows, now| {
        let Some(RunRow { session, life, .. }) = rows.run(&run)?.filter(|run| run.status == RunStatus::Running) else { return Ok(None) };
        let Some(mut standing) = alive(rows, &session, &life)? else { return Ok(None) };
        for waiting in rows.waiting(&session)? {
            if waiting.status == InjectionStatus::Claimed && waiting.run.as_ref() == Some(&run) {
                rows.mark_injection(&session, waiting.number, InjectionStatus::Shown, Some(&run))?;
            }
        }
        let ids = add(rows, &session, &mut standing, &entries, now)?;
        rows.put_session(&session, &standing)?;
        Ok(Some(ids))
    })
    .await
}

pub(in crate::sessions) async fn end<B: Backend>(
    backend: &B,
    run: &str,
    status: RunStatus,
    error: Option<&str>,
    untold: Option<Untold<'_>>,
) -> Result<bool, Problem> {
    bounds::run(run)?;
    bounds::run_error(error)?;
    untold.map_or(Ok(()), |untold| bounds::engine(untold.engine))?;
    if status == RunStatus::Running {
        return Err(Problem::Invalid(format!("the run {run:?} is to end as running: expected how it ended")));
    }
    let (run, error) = (run.to_owned(), error.map(str::to_owned));
    let untold = untold.map(|untold| (untold.engine.to_owned(), untold.from_the_start));
    write(backend, Weight::Few, move |rows, now| {
        let Some(row) = rows.run(&run)?.filter(|run| run.status == RunStatus::Running) else { return Ok(false) };
        over(rows, &row, now)?;
        rows.end_run(&run, status, row.began_at.max(now), error.as_deref())?;
        if let Some((engine, from_the_start)) = untold {
            note_untold(rows, &row, &engine, from_the_start)?;
        }
        Ok(true)
    })
    .await
}

/// An engine that is somewhere in the life of a run may not have been told of it: in the place of whatever it may not have been told before.
fn note_untold(rows: &mut dyn Rows, run: &RunRow, engine: &str, from_the_start: bool) -> Result<(), Problem> {
    if alive(rows, &run.session, &run.life)?.is_none() {
        return Ok(());
    }
    let entries = rows.cursor(&run.session, engine)?.map(|cursor| cursor.entries).or(from_the_start.then_some(0));
    let cursor = entries.map(|entries| Cursor { entries, untold: Some(run.run.clone()) });
    cursor.map_or(Ok(()), |cursor| rows.put_cursor(&run.session, engine, &cursor))
}

/// What a run has shown is spent, what it hasn't shown waits again.
fn over(rows: &mut dyn Rows, run: &RunRow, now: u64) -> Result<(), Problem> {
    for waiting in rows.waiting(&run.session)? {
        if waiting.run.as_ref() != Some(&run.run) {
            continue;
        }
        match waiting.status {
            InjectionStatus::Shown => rows.remove_injection(&run.session, waiting.number)?,
            InjectionStatus::Claimed => rows.mark_injection(&run.session, waiting.number, InjectionStatus::Pending, None)?,
            InjectionStatus::Pending => {}
        }
    }
    if let Some(mut standing) = rows.standing(&run.session)? {
        touch(&mut standing, now);
        rows.put_session(&run.session, &standing)?;
    }
    Ok(())
}

pub(in crate::sessions) fn runs<B: Backend>(backend: &B, session: &str, limit: NonZeroUsize) -> Result<Vec<RunRow>, Problem> {
    bounds::session(session)?;
    bounds::amount("the runs' `limit`", limit.get(), "runs")?;
    let mut listed = Answer::of(backend);
    backend.read(Reads::Once, |rows| {
        rows.runs(session, limit.get(), &mut |run| {
            let bytes = run.facts.len() + run.error.as_ref().map_or(0, String::len);
            listed.take(run, bytes)
        })
    })?;
    Ok(listed.taken)
}

pub(in crate::sessions) async fn recover<B: Backend>(backend: &B) -> Result<(Vec<Interrupted>, Vec<Question>), Problem> {
    write(backend, Weight::Many, |rows, now| {
        let mut questions = rows.questions()?;
        questions.iter().try_for_each(|question| rows.remove_question(&question.id))?;
        let mut interrupted = Vec::new();
        for run in rows.running()? {
            let shown = shown(rows, &run)?;
            over(rows, &run, now)?;
            let ended_at = run.began_at.max(now);
            rows.end_run(&run.run, RunStatus::Interrupted, ended_at, None)?;
            let asked = questions.extract_if(.., |question| question.run.as_ref() == Some(&run.run)).collect();
            let run = RunRow { status: RunStatus::Interrupted, ended_at: Some(ended_at), ..run };
            interrupted.push(Interrupted { run, shown, questions: asked });
        }
        Ok((interrupted, questions))
    })
    .await
}

/// What a run has shown, in the order in which it has.
fn shown(rows: &dyn Rows, run: &RunRow) -> Result<Vec<Injection>, Problem> {
    let all = rows.injections(&run.session)?.into_iter().map(|(_, injection)| injection);
    let mut shown: Vec<_> =
        all.filter(|injection| injection.status == InjectionStatus::Shown && injection.run.as_ref() == Some(&run.run)).collect();
    in_order(&mut shown);
    Ok(shown)
}
