//! One write for everything that has to change together: a plugin's record, the history, and what the embedder changes alongside.

use crate::error::Reason;
use crate::id::PluginId;
use crate::order::{Alongside, Order};
use crate::record::{PluginRecord, fact, removal};
use plugbay_engine::Digest;
use plugbay_state::{DocumentChange, Fact, Record, StateStore};

/// What is to be written of one plugin. Nothing as its next record: it is forgotten.
pub(crate) struct Write<'a> {
    pub(crate) plugin: &'a PluginId,
    pub(crate) before: &'a PluginRecord,
    pub(crate) next: Option<&'a PluginRecord>,
    /// What the history calls it; nothing, if it isn't worth a line.
    pub(crate) what: Option<&'static str>,
    pub(crate) why: Option<String>,
    /// The component that the line is about, if that isn't what runs then.
    pub(crate) about: Option<Digest>,
}

impl Write<'_> {
    /// Writes all of it, or nothing.
    pub(crate) async fn done(self, state: &dyn StateStore, order: &mut Order) -> Result<(), Reason> {
        let alongside = order.alongside.take();
        let mut documents = vec![self.document(self.next)?];
        let intents: Vec<_> = alongside.iter().flat_map(|a| a.documents()).collect();
        documents.extend(intents.iter().cloned());
        let skips = self.what.filter(|what| order.skip_gates && matches!(*what, "install" | "swap")).map(|_| "skip-gates");
        let events = self.what.into_iter().chain(skips).map(|what| self.line(what, order)).collect();
        commit(state, documents, events).await?;
        let Some(alongside) = alongside else { return Ok(()) };
        let Err(why) = changed(alongside).await else { return Ok(()) };
        self.take_back(state, order, &why, intents).await?;
        Err(Reason::Alongside(why))
    }

    fn document(&self, record: Option<&PluginRecord>) -> Result<DocumentChange, Reason> {
        record.map_or_else(|| Ok(removal(self.plugin)), |r| r.change(self.plugin).map_err(Reason::Record))
    }

    fn line(&self, what: &str, order: &Order) -> Fact {
        let digest = |record: &PluginRecord| record.digest().map(|d| d.to_string());
        Fact {
            from: digest(self.before),
            to: self.about.map(|d| d.to_string()).or_else(|| self.next.and_then(digest)),
            why: self.why.clone().or_else(|| order.why.clone()),
            ..fact(&order.who, what, self.plugin)
        }
    }

    /// The record as it was, and no intents. What the history was told stays there, and so does this.
    async fn take_back(&self, state: &dyn StateStore, order: &Order, why: &str, intents: Vec<DocumentChange>) -> Result<(), Reason> {
        let line = Fact { why: Some(why.to_owned()), ..self.line("undone", order) };
        let known = *self.before != PluginRecord::default();
        let mut documents = vec![self.document(known.then_some(self.before))?];
        documents.extend(intents.iter().map(|intent| DocumentChange::delete(&intent.kind, &intent.name)));
        commit(state, documents, vec![line]).await
    }
}

async fn commit(state: &dyn StateStore, documents: Vec<DocumentChange>, events: Vec<Fact>) -> Result<(), Reason> {
    let written = state.record(Record { documents, events }).await.map_err(|e| Reason::Record(e.to_string()))?;
    written.map(drop).map_err(|e| Reason::Record(e.to_string()))
}

async fn changed(alongside: Box<dyn Alongside>) -> Result<(), String> {
    let changed = tokio::task::spawn_blocking(move || alongside.commit());
    changed.await.unwrap_or_else(|e| Err(e.to_string()))
}
