//! How far engines are with a life, and what stands for its beginning: a summary goes further than the one before it, and neither beyond the life.

use super::{Answer, alive, touch, write};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Weight};
use crate::sessions::rows::Stretch;
use crate::sessions::{Compaction, Cursor, EngineSpot, NewCompaction, SessionBounds, bounds};

pub(in crate::sessions) fn cursor<B: Backend>(backend: &B, at: EngineSpot<'_>) -> Result<Option<Cursor>, Problem> {
    bounds::engine_spot(&at)?;
    backend.read(Reads::Together, |rows| match alive(rows, at.session, at.life)? {
        Some(_) => rows.cursor(at.session, at.engine),
        None => Ok(None),
    })
}

pub(in crate::sessions) async fn put_cursor<B: Backend>(backend: &B, at: EngineSpot<'_>, cursor: Cursor) -> Result<bool, Problem> {
    bounds::engine_spot(&at)?;
    bounds::cursor(&cursor)?;
    let [session, life, engine] = [at.session, at.life, at.engine].map(str::to_owned);
    write(backend, Weight::Few, move |rows, _| {
        let Some(standing) = alive(rows, &session, &life)? else { return Ok(false) };
        within("the cursor", cursor.entries, standing.stretch)?;
        rows.put_cursor(&session, &engine, &cursor)?;
        Ok(true)
    })
    .await
}

fn within(what: &str, entries: u64, Stretch { entries: there, .. }: Stretch) -> Result<(), Problem> {
    if entries <= there {
        return Ok(());
    }
    Err(Problem::Invalid(format!("{what} is at {entries} entries: expected {there} at most, which the life has")))
}

pub(in crate::sessions) fn compaction<B: Backend>(backend: &B, key: &str, life: &str) -> Result<Option<Compaction>, Problem> {
    Ok(newest(backend, key, life, 1)?.pop())
}

pub(in crate::sessions) fn compactions<B: Backend>(backend: &B, key: &str, life: &str) -> Result<Vec<Compaction>, Problem> {
    let mut compactions = newest(backend, key, life, SessionBounds::ANSWER)?;
    compactions.reverse();
    Ok(compactions)
}

/// So many of a life at most, the newest first.
fn newest<B: Backend>(backend: &B, key: &str, life: &str, limit: usize) -> Result<Vec<Compaction>, Problem> {
    bounds::life(key, life)?;
    let mut read = Answer::of(backend);
    backend.read(Reads::Together, |rows| {
        if alive(rows, key, life)?.is_none() {
            return Ok(());
        }
        rows.compactions(key, limit, &mut |compaction| {
            let bytes = compaction.summary.len();
            read.take(compaction, bytes)
        })
    })?;
    Ok(read.taken)
}

pub(in crate::sessions) async fn put_compaction<B: Backend>(
    backend: &B,
    key: &str,
    life: &str,
    new: NewCompaction,
) -> Result<bool, Problem> {
    bounds::life(key, life)?;
    bounds::compaction(&new)?;
    let (key, life) = (key.to_owned(), life.to_owned());
    write(backend, Weight::Few, move |rows, now| {
        let Some(mut standing) = alive(rows, &key, &life)? else { return Ok(false) };
        let NewCompaction { entries, summary, tokens_before, tokens_after } = new;
        within("the compaction", entries, standing.stretch)?;
        let before = rows.compacted(&key)?;
        if entries <= before {
            let wanted = format!("expected more than {before}, which the life's newest covers (0: there is none)");
            return Err(Problem::Invalid(format!("the compaction is at {entries} entries: {wanted}")));
        }
        let at = touch(&mut standing, now);
        rows.add_compaction(&key, &Compaction { entries, summary, tokens_before, tokens_after, at })?;
        rows.put_session(&key, &standing)?;
        Ok(true)
    })
    .await
}
