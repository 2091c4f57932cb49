//! What is asked of the writer: a piece of work, someone to tell, and until when another process's lock may stand in its way.
//!
//! One allocation and one channel each. Whoever stops waiting before the work has begun has asked for nothing.

use super::rows::SqlRows;
use crate::error::Problem;
use crate::rows::Rows;
use std::time::Instant;
use tokio::sync::oneshot;

/// Something to do in a transaction.
pub(super) struct Request {
    /// When it is refused, should another process still hold the lock.
    pub(super) until: Instant,
    work: Box<dyn Work>,
}

/// Requests that are committed together, the oldest first.
pub(super) type Group = Vec<Request>;

/// Where the answer arrives.
pub(super) type Answer<T> = oneshot::Receiver<Result<T, Problem>>;

impl Request {
    pub(super) fn new<T: Send + 'static>(
        until: Instant,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, Problem> + Send + 'static,
    ) -> (Self, Answer<T>) {
        let (asker, answer) = oneshot::channel();
        (Self { until, work: Box::new(Asked { work: Some(work), outcome: None, asker }) }, answer)
    }

    /// Does the work, and keeps what came out of it.
    pub(super) fn run(&mut self, rows: &mut SqlRows<'_>) {
        self.work.run(rows);
    }

    /// Tells the asker: what came out of the work if it is committed, why it isn't otherwise.
    pub(super) fn answer(self, committed: Result<(), Problem>) {
        self.work.answer(committed);
    }
}

/// What a request does, whatever type it answers with.
trait Work: Send {
    fn run(&mut self, rows: &mut SqlRows<'_>);
    fn answer(self: Box<Self>, committed: Result<(), Problem>);
}

struct Asked<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, Problem>>,
    asker: oneshot::Sender<Result<T, Problem>>,
}

impl<T: Send, F: FnOnce(&mut dyn Rows) -> Result<T, Problem> + Send> Work for Asked<T, F> {
    fn run(&mut self, rows: &mut SqlRows<'_>) {
        // Nobody waits for it any more, and nothing of it has begun.
        if self.asker.is_closed() {
            return;
        }
        self.outcome = self.work.take().map(|work| work(rows));
    }

    fn answer(self: Box<Self>, committed: Result<(), Problem>) {
        let outcome = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Err(problem), _) => Err(problem),
            (Ok(()), None) => Err(Problem::Failed("the request was given up".into())),
        };
        // An asker that went away doesn't need the answer.
        let _ = self.asker.send(outcome);
    }
}
