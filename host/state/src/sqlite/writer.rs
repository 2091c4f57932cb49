//! The one writer: turns at one connection, in place when it is idle, in groups when it is not.
//!
//! Under `Normal` a commit is a few writes to the page cache, some 16 us, and a thread hop is three times that: so a request that finds the
//! connection idle takes the turn, commits in place, and then serves what queued meanwhile as one transaction. What still queues after [`SERVING`]
//! goes to the writer's thread.
//!
//! Under `Full` a commit waits for the disk, so the thread takes whatever is waiting into one. Those who were answered last come back one by one, and
//! the first of them must not have the next commit for itself: it is put off until as many are in it as there were at the end of the last, at most by
//! an eighth of what that one took. One writer alone waits for nobody.
//!
//! The thread also waits for other processes' locks, and does what touches many rows: no caller's thread ever sleeps here. A request that another
//! process's lock stands in the way of is refused when it has waited for the busy timeout, whatever stood before it in the line.
//!
//! Every request is answered after its commit. If a commit fails, or SQLite rolls a transaction back by itself, all requests in it are told, and
//! nothing of them is written.

use super::connect::AGAIN_EVERY;
use super::files::Files;
use super::request::{Group, Request};
use super::rows::SqlRows;
use crate::error::Problem;
use crate::rows::{Rows, Weight};
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use std::collections::VecDeque;
use std::ffi::c_int;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Requests of one transaction at most.
const GROUP: usize = 128;
/// How long a caller serves others after its own commit, before the thread takes over.
const SERVING: Duration = Duration::from_micros(200);
/// By which part of the last commit's time the next one is put off at most, for those who are expected.
const PUT_OFF: u32 = 8;
/// How long SQLite waits for another process's lock at a time. Left to itself it looks less and less often, at last every 100 ms: beside a process that writes without a pause it would
/// hardly ever find the lock free.
const ATTEMPT: Duration = Duration::from_millis(20);
/// By how much at most, however slow the disk is: the thread keeps a processor busy meanwhile, unless somebody else wants it.
const LONGEST_PUT_OFF: Duration = Duration::from_micros(200);
/// The pages of the write-ahead log at which a checkpoint is due: 8 MiB.
pub(super) const CHECKPOINT_AT: u32 = 2_000;
/// By how many pages more the log may grow until writers wait for a checkpoint that is slower than they are.
const AHEAD: u32 = 2 * CHECKPOINT_AT;

/// Who may use the connection, and who waits.
#[derive(Default)]
struct Turns {
    queue: VecDeque<Request>,
    taken: bool,
    /// Nobody writes until the checkpoint that is due is done.
    held: bool,
    /// Threads that wait for the turn itself.
    waiting: usize,
    closing: bool,
    company: Company,
}

/// In whose company the next group is committed.
#[derive(Debug, Clone, Copy, Default)]
struct Company {
    /// Those of the last group, who may be back, and those who were waiting when it was committed.
    expected: usize,
    /// How long they are waited for.
    patience: Duration,
}

/// The connection, and the line before it.
pub(super) struct Writer {
    connection: Mutex<Option<Connection>>,
    turns: Mutex<Turns>,
    changed: Condvar,
    files: Files,
    in_place: bool,
    patience: Duration,
    /// Pages in the log after the last commit.
    log: Arc<AtomicU32>,
    checkpoint_at: AtomicU32,
    checkpoints: Mutex<Option<SyncSender<()>>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("database", &self.files.database()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// A writer on this connection. `checkpoints` is told when a checkpoint is due.
    pub(super) fn new(
        mut connection: Connection,
        files: Files,
        in_place: bool,
        patience: Duration,
        checkpoints: SyncSender<()>,
    ) -> Result<Arc<Self>, Problem> {
        connection.busy_timeout(Duration::ZERO)?;
        let log = Arc::new(AtomicU32::new(0));
        let pages_of = log.clone();
        // In the place of SQLite's own checkpoints, which would run inside a commit.
        connection.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
            pages_of.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Arc::new(Self {
            connection: Mutex::new(Some(connection)),
            turns: Mutex::default(),
            changed: Condvar::new(),
            files,
            in_place,
            patience,
            log,
            checkpoint_at: AtomicU32::new(CHECKPOINT_AT),
            checkpoints: Mutex::new(Some(checkpoints)),
        }))
    }

    /// Does the work in a transaction, and answers when it is committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        weight: Weight,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let work = match self.turn_now(weight)? {
            None => work,
            Some(turn) => match turn.alone(work) {
                Ok(outcome) => {
                    turn.serve(SERVING);
                    return outcome;
                }
                Err(work) => work,
            },
        };
        let (request, answer) = Request::new(Instant::now() + self.patience, work);
        self.enqueue(request)?;
        answer.await.unwrap_or_else(|_| Err(Problem::Failed("work in the same transaction panicked, and it was rolled back".into())))
    }

    /// The turn, if it is free and may be had on a caller's thread.
    fn turn_now(&self, weight: Weight) -> Result<Option<Turn<'_>>, Problem> {
        let mut turns = lock(&self.turns);
        if turns.closing {
            return Err(Problem::closed());
        }
        let idle = !turns.taken && !turns.held && turns.queue.is_empty() && turns.waiting == 0;
        if !(idle && self.in_place && weight == Weight::Few) {
            return Ok(None);
        }
        turns.taken = true;
        Ok(Some(Turn(self)))
    }

    fn enqueue(&self, request: Request) -> Result<(), Problem> {
        let mut turns = lock(&self.turns);
        if turns.closing {
            return Err(Problem::closed());
        }
        turns.queue.push_back(request);
        // Whoever has the turn looks at the queue before giving it up.
        if !turns.taken {
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Waits for the turn.
    pub(super) fn turn(&self) -> Turn<'_> {
        let mut turns = lock(&self.turns);
        turns.waiting += 1;
        while turns.taken {
            turns = self.changed.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.waiting -= 1;
        turns.taken = true;
        Turn(self)
    }

    /// Waits for a turn that has something to do. None: the writer is closing, and everything is done.
    fn turn_with_work(&self) -> Option<Turn<'_>> {
        let mut turns = lock(&self.turns);
        while turns.taken || turns.queue.is_empty() || (turns.held && !turns.closing) {
            if turns.closing && !turns.taken {
                return None;
            }
            turns = self.changed.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.taken = true;
        Some(Turn(self))
    }

    /// What the writer's thread does, until the writer is closed and the queue is empty.
    pub(super) fn serve(&self) {
        while let Some(turn) = self.turn_with_work() {
            let group = turn.group(GROUP);
            let patience = group.first().map_or(Duration::ZERO, |oldest| oldest.until.saturating_duration_since(Instant::now()));
            let left = turn.commit(group, patience.min(ATTEMPT));
            let (refused, left): (Group, Group) = left.into_iter().partition(|request| request.until <= Instant::now());
            // SQLite doesn't wait while another process recovers the log.
            let early = refused.is_empty() && !left.is_empty();
            turn.put_back(left);
            drop(turn);
            refused.into_iter().for_each(|request| request.answer(Err(self.locked())));
            if early {
                std::thread::sleep(AGAIN_EVERY);
            }
        }
    }

    /// Closes the connection. The last of a database's to be closed tidies up, and of two that close at once neither is the last: so the others have to be
    /// closed already.
    pub(super) fn end(&self) {
        drop(lock(&self.connection).take());
    }

    fn locked(&self) -> Problem {
        let waited = self.patience.as_millis();
        Problem::Unavailable(format!("another process has held the write lock for {waited} ms (setting `host.busy-timeout`)"))
    }

    /// Refuses what comes from now on; what is in the queue is done.
    pub(super) fn close(&self) {
        lock(&self.checkpoints).take();
        lock(&self.turns).closing = true;
        self.changed.notify_all();
    }

    /// After every commit: modes, and the size of the log.
    fn committed(&self) {
        self.files.tighten();
        let (log, due_at) = (self.log.load(Ordering::Relaxed), self.checkpoint_at.load(Ordering::Relaxed));
        if log < due_at {
            return;
        }
        // In hand until writers are held: whoever makes the checkpoint lets go of them, and mustn't have done so before.
        let mut turns = lock(&self.turns);
        // A message that finds the channel full is there already: one more checkpoint is certain, unless nobody makes any.
        let due = lock(&self.checkpoints).as_ref().is_some_and(|due| !matches!(due.try_send(()), Err(TrySendError::Disconnected(()))));
        if due && log >= due_at.saturating_add(AHEAD) {
            turns.held = true;
        }
    }

    /// After a checkpoint: lets writers on, and puts the next one off until the log has grown by as much again, or back to where it always is.
    pub(super) fn checkpointed(&self, off: bool) {
        let grown = if off { self.log.load(Ordering::Relaxed) } else { 0 };
        self.checkpoint_at.store(CHECKPOINT_AT.saturating_add(grown), Ordering::Relaxed);
        lock(&self.turns).held = false;
        self.changed.notify_all();
    }
}

/// The right to use the connection, until it is dropped.
pub(super) struct Turn<'w>(&'w Writer);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = lock(&self.0.turns);
        turns.taken = false;
        if turns.waiting > 0 || turns.closing || !turns.queue.is_empty() {
            self.0.changed.notify_all();
        }
    }
}

impl Turn<'_> {
    /// Uses the connection.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Problem>) -> Result<T, Problem> {
        let connection = lock(&self.0.connection);
        work(connection.as_ref().ok_or_else(Problem::closed)?)
    }

    /// Commits one piece of work without waiting. Gives the work back if another process has the lock.
    fn alone<T, F: FnOnce(&mut dyn Rows) -> Result<T, Problem>>(&self, work: F) -> Result<Result<T, Problem>, F> {
        match self.with(begin) {
            Err(Problem::Unavailable(_)) => return Err(work),
            Err(problem) => return Ok(Err(problem)),
            Ok(()) => {}
        }
        let outcome = self.with(|connection| {
            let outcome = work(&mut SqlRows(connection));
            end(connection).and(outcome)
        });
        self.0.committed();
        Ok(outcome)
    }

    /// Serves what waits, for so long at most.
    fn serve(&self, time: Duration) {
        let since = Instant::now();
        while since.elapsed() < time {
            let group = self.group(GROUP);
            if group.is_empty() {
                return;
            }
            let left = self.commit(group, Duration::ZERO);
            if !left.is_empty() {
                // Another process has the lock: the thread can wait for it, a caller can't.
                return self.put_back(left);
            }
        }
    }

    /// Where they came from, before all others.
    fn put_back(&self, group: Group) {
        let mut turns = lock(&self.0.turns);
        group.into_iter().rev().for_each(|request| turns.queue.push_front(request));
    }

    /// Runs a group in the open transaction, takes along who comes while it runs, and commits.
    fn run(&self, connection: &Connection, group: &mut Group) -> Result<(), Problem> {
        let mut company = lock(&self.0.turns).company;
        let mut done = 0;
        while done < group.len() {
            for request in group.iter_mut().skip(done) {
                request.run(&mut SqlRows(connection));
                if connection.is_autocommit() {
                    return end(connection);
                }
            }
            done = group.len();
            group.extend(self.more(done, &mut company));
        }
        let since = Instant::now();
        let ended = end(connection);
        let patience = if self.0.in_place { Duration::ZERO } else { since.elapsed() / PUT_OFF };
        let mut turns = lock(&self.0.turns);
        turns.company = Company { expected: done + turns.queue.len(), patience: patience.min(LONGEST_PUT_OFF) };
        ended
    }

    /// Whoever came meanwhile, or comes while there is patience with those who are expected.
    fn more(&self, done: usize, company: &mut Company) -> Group {
        let since = Instant::now();
        loop {
            let more = self.group(GROUP.saturating_sub(done));
            let waited = since.elapsed();
            if !more.is_empty() || done >= company.expected || waited >= company.patience {
                company.patience = company.patience.saturating_sub(waited);
                return more;
            }
            std::thread::yield_now();
        }
    }

    /// Whoever waits, so many at most.
    fn group(&self, most: usize) -> Group {
        let mut turns = lock(&self.0.turns);
        let most = if turns.held && !turns.closing { 0 } else { turns.queue.len().min(most) };
        turns.queue.drain(..most).collect()
    }

    /// Commits a group as one transaction, and answers. Gives the group back, untouched, if another process kept the lock for too long.
    fn commit(&self, mut group: Group, patience: Duration) -> Group {
        let begun = self.with(|connection| {
            connection.busy_timeout(patience)?;
            let begun = begin(connection);
            connection.busy_timeout(Duration::ZERO)?;
            begun
        });
        if matches!(begun, Err(Problem::Unavailable(_))) && lock(&self.0.connection).is_some() {
            return group;
        }
        let committed = begun.and_then(|()| self.with(|connection| self.run(connection, &mut group)));
        self.0.committed();
        group.into_iter().for_each(|request| request.answer(committed.clone()));
        Group::new()
    }
}

fn begin(connection: &Connection) -> Result<(), Problem> {
    // Left open by work that panicked.
    if !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK")?.execute([])?;
    }
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    Ok(())
}

/// Commits. Where SQLite has rolled back by itself, or can't commit, nothing of the transaction is left.
fn end(connection: &Connection) -> Result<(), Problem> {
    if connection.is_autocommit() {
        return Err(Problem::Failed("the transaction failed as a whole, and was rolled back".into()));
    }
    let committed = connection.prepare_cached("COMMIT")?.execute([]);
    if committed.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK")?.execute([])?;
    }
    Ok(committed.map(drop)?)
}

#[cfg(test)]
mod tests;
