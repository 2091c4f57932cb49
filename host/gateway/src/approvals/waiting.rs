//! The questions that wait, and how the last ones were settled. Each is taken out once: whoever takes it settles it.

use super::question::{ApprovalAnswer, PendingApproval, ResolveError, Settled, name};
use plugbay_runtime::{ApprovalDecision, Resolution};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Settled questions that are remembered, for who answers too late.
const REMEMBERED: usize = 256;

/// What was decided, and by whom.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) resolution: Resolution,
    pub(super) by: Option<String>,
    pub(super) why: Option<String>,
}

impl Verdict {
    /// A no for want of an answer.
    pub(super) const fn without(resolution: Resolution, why: String) -> Self {
        Self { resolution, by: None, why: Some(why) }
    }

    pub(super) fn stopping() -> Self {
        Self::without(Resolution::Cancelled, "the host stopped before anybody answered".to_owned())
    }

    fn answer(answer: ApprovalAnswer, by: &str) -> Self {
        let resolution = match answer {
            ApprovalDecision::AllowOnce => Resolution::AllowOnce,
            ApprovalDecision::AllowAlways => Resolution::AllowAlways,
            ApprovalDecision::Deny => Resolution::Deny,
        };
        Self { resolution, by: Some(by.to_owned()), why: None }
    }
}

#[derive(Default)]
pub(super) struct Waiting(Mutex<Table>);

#[derive(Default)]
struct Table {
    stopping: bool,
    asked: u64,
    /// In the order in which they were asked.
    questions: BTreeMap<u64, (Arc<PendingApproval>, oneshot::Sender<Verdict>)>,
    settled: VecDeque<Arc<Settled>>,
}

impl Table {
    fn place(&self, id: &str) -> Option<u64> {
        self.questions.iter().find(|(_, (question, _))| &*question.id == id).map(|(place, _)| *place)
    }

    /// The latest word on a question.
    fn remember(&mut self, settled: Arc<Settled>) {
        self.settled.retain(|known| known.id != settled.id);
        self.settled.push_back(settled);
        if self.settled.len() > REMEMBERED {
            self.settled.pop_front();
        }
    }
}

impl Waiting {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<Arc<PendingApproval>> {
        self.table().questions.values().map(|(question, _)| question.clone()).collect()
    }

    /// Lets a question wait, unless the host is stopping.
    pub(super) fn add(&self, question: Arc<PendingApproval>, answer: oneshot::Sender<Verdict>) -> bool {
        let mut table = self.table();
        if !table.stopping {
            table.asked += 1;
            let place = table.asked;
            table.questions.insert(place, (question, answer));
        }
        !table.stopping
    }

    pub(super) fn answer(&self, id: &str, answer: ApprovalAnswer, by: &str) -> Result<(), ResolveError> {
        let mut table = self.table();
        let place = table.place(id);
        let Some((question, _)) = place.and_then(|place| table.questions.get(&place)) else {
            let settled = table.settled.iter().find(|s| s.id.as_deref() == Some(id));
            return Err(settled.map_or_else(
                || ResolveError::Unknown(id.to_owned()),
                |settled| ResolveError::AlreadyResolved { id: id.to_owned(), settled: settled.clone() },
            ));
        };
        if !question.answers.contains(&answer) {
            return Err(ResolveError::NotOffered { id: id.to_owned(), answer: name(answer), offered: question.answers.clone() });
        }
        if let Some((question, sender)) = place.and_then(|place| table.questions.remove(&place)) {
            let verdict = Verdict::answer(answer, by);
            table.remember(Arc::new(Settled::new(&question, &verdict)));
            // Who asked may stop waiting in this instant: then it cancels the question, and says so.
            drop(sender.send(verdict));
        }
        Ok(())
    }

    /// Takes a question out. Whether it waited.
    pub(super) fn withdraw(&self, id: &str) -> bool {
        let mut table = self.table();
        table.place(id).is_some_and(|place| table.questions.remove(&place).is_some())
    }

    pub(super) fn stop(&self) {
        let mut table = self.table();
        table.stopping = true;
        for (_, (_, sender)) in std::mem::take(&mut table.questions) {
            drop(sender.send(Verdict::stopping()));
        }
    }

    pub(super) fn remember(&self, settled: Arc<Settled>) {
        self.table().remember(settled);
    }
}
