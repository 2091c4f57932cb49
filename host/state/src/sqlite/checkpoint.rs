//! Checkpoints, apart from commits: the log goes back into the database on a thread of its own.
//!
//! Two steps. The first copies what it can beside the writer, fsync included, and blocks nobody. But under steady load the writer is always a few
//! pages ahead, and the log would never start over; so the second takes the writer's turn and copies those few. From then on the log is written from
//! its beginning again: its file keeps its size, since overwriting is far cheaper than growing. A reader in another process that holds on to
//! the log makes the second step fail: it is tried again when the log has grown by as much again.

use super::writer::Writer;
use crate::error::Problem;
use rusqlite::Connection;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How long the writer's turn is held to wait for readers. Ours are done in far less.
const PATIENCE: Duration = Duration::from_millis(20);

/// What the checkpoint's thread does, until nobody can ask for one any more.
pub(super) fn serve(writer: &Writer, connection: &Connection, due: &Receiver<()>) {
    while due.recv().is_ok() {
        let done = checkpoint(writer, connection);
        if let Err(problem) = &done {
            tracing::debug!(?problem, "a checkpoint failed");
        }
        writer.checkpointed(done != Ok(true));
    }
}

/// Answers whether the log starts over.
fn checkpoint(writer: &Writer, connection: &Connection) -> Result<bool, Problem> {
    pragma(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    writer.turn().with(|connection| {
        connection.busy_timeout(PATIENCE)?;
        let done = pragma(connection, "PRAGMA wal_checkpoint(RESTART)");
        connection.busy_timeout(Duration::ZERO)?;
        done
    })
}

/// Runs a checkpoint; answers whether nobody was in its way.
fn pragma(connection: &Connection, sql: &str) -> Result<bool, Problem> {
    let busy: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(busy == 0)
}
