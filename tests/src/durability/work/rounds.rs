//! Rounds of starting, working, killing and looking, and one at the end that does what is left.
//!
//! Each round has sessions of its own; a look is at those of this round and of the few before, whose work may wait, and the last one at all.

use super::super::rounds::{Child, KillSettings, next};
use super::super::said::Said;
use super::super::{copy, sound};
use super::book::{Book, WorkSummary};
use super::found::Found;
use super::{OUTBOX, SESSIONS, session};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Rounds whose sessions are looked at, the present one among them.
const ROUNDS: u64 = 3;

/// Kills the program at work, so often, and looks each time.
///
/// # Errors
/// At the first thing that is lost or done twice, with the round and the moment.
pub async fn work_rounds(settings: &KillSettings, folder: &Path) -> Result<WorkSummary> {
    let (mut book, mut seed) = (Book::default(), settings.seed | 1);
    for round in 0..settings.rounds {
        let after = Duration::from_millis(20 + next(&mut seed) % 381);
        let mode = if round % 2 == 0 { "normal" } else { "full" };
        let done = one(settings, folder, round, mode, after, &mut book).await;
        done.with_context(|| format!("round {round} of seed {}, killed after {after:?}, {mode}", settings.seed))?;
        book.summary.rounds += 1;
    }
    last(settings, folder, &mut book).await.context("the last round, which does what is left")?;
    Ok(book.summary)
}

async fn one(settings: &KillSettings, folder: &Path, round: u64, mode: &str, after: Duration, book: &mut Book) -> Result<()> {
    let mut command = Command::new(&settings.program);
    command.arg("work").arg(folder.join("state")).arg(folder).args([mode, &round.to_string()]);
    for said in Child::killed(&mut command, |said| !matches!(said, Said::Recovered { .. }), after)? {
        book.note(said)?;
    }
    let sessions = (round.saturating_sub(ROUNDS - 1)..=round).flat_map(|round| (0..SESSIONS).map(move |n| session(round, n)));
    look(folder, &sessions.collect(), book).await.map(drop)
}

/// Does what is left, and looks at everything.
async fn last(settings: &KillSettings, folder: &Path, book: &mut Book) -> Result<()> {
    let mut command = Command::new(&settings.program);
    command.arg("settle").arg(folder.join("state")).arg(folder).arg("normal");
    let mut child = Child::start(&mut command)?;
    let said = child.rest()?;
    ensure!(child.wait()?.success() && said.last() == Some(&Said::Done), "it said {said:?}");
    let sessions = book.sessions().cloned().collect();
    let found = look(folder, &sessions, book).await?;
    book.over(&found)
}

async fn look(folder: &Path, sessions: &BTreeSet<String>, book: &mut Book) -> Result<Found> {
    let left = folder.join("left");
    copy(&folder.join("state"), &left)?;
    let found = Found::read(&left, &folder.join(OUTBOX), sessions, book.seq).await?;
    book.settle(&found)?;
    sound(&left)?;
    fs::remove_dir_all(&left)?;
    Ok(found)
}
