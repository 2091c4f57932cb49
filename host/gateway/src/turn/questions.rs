//! The questions to people that belong to one turn, as they come and go. Watched only while a tool is called: nobody asks at other times.

use crate::approvals::{ApprovalEvent, Approvals};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// The questions of one run.
pub(super) struct Questions {
    approvals: Approvals,
    events: Receiver<ApprovalEvent>,
    run: Arc<str>,
    /// Those that were shown and aren't settled.
    open: HashSet<Arc<str>>,
}

impl Questions {
    pub(super) fn of(approvals: &Approvals, run: Arc<str>) -> Self {
        Self { approvals: approvals.clone(), events: approvals.watch(), run, open: HashSet::new() }
    }

    /// The next one that is asked or settled.
    pub(super) async fn next(&mut self) -> ApprovalEvent {
        loop {
            let found = match self.events.recv().await {
                Ok(event) => self.taken(event),
                Err(RecvError::Lagged(_)) => self.missed(),
                // Nobody asks any more: the host is gone.
                Err(RecvError::Closed) => std::future::pending().await,
            };
            if let Some(event) = found {
                return event;
            }
        }
    }

    /// The next one, if there is one already.
    pub(super) fn ready(&mut self) -> Option<ApprovalEvent> {
        loop {
            let found = match self.events.try_recv() {
                Ok(event) => self.taken(event),
                Err(TryRecvError::Lagged(_)) => self.missed(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            };
            if found.is_some() {
                return found;
            }
        }
    }

    fn taken(&mut self, event: ApprovalEvent) -> Option<ApprovalEvent> {
        let is_ours = match &event {
            ApprovalEvent::Asked(asked) => asked.run.as_ref() == Some(&self.run) && self.open.insert(asked.id.clone()),
            ApprovalEvent::Settled(settled) => settled.id.as_ref().is_some_and(|id| self.open.remove(id)),
        };
        is_ours.then_some(event)
    }

    /// Too much came at once, and a question may have been among it.
    fn missed(&mut self) -> Option<ApprovalEvent> {
        let pending = self.approvals.pending();
        pending.into_iter().find_map(|asked| self.taken(ApprovalEvent::Asked(asked)))
    }
}
