//! Asking plugins one after the other: modify, claim and gate.
//!
//! What it is for: the order, the merging and the failure policy are the same for all hooks, and only here. What it costs: one copy of the event for all plugins,
//! another each time that one rewrites it for those after it. How it fails: see [`Round::unanswered`].

use super::kept::Entry;
use super::receipt::{Failure, Ran, Receipt, Said, Skip, Skipped, Words};
use super::roster::Subscriber;
use super::{Dispatched, Hooks};
use plugbay_runtime::engine::{CallError, Unserved};
use plugbay_runtime::{Answered, Asking, Call, Fired, Hook, Listing, Plugin, PluginId, Standing};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One dispatch, as far as it has come.
struct Round<H: Hook> {
    so_far: H::Outcome,
    by: Option<PluginId>,
    ran: Vec<Ran>,
    skipped: Vec<Skipped>,
    refused: Option<String>,
}

impl Hooks {
    pub(super) async fn dispatch<H: Hook>(&self, call: &Call, event: H::Event) -> Dispatched<H::Outcome> {
        let mut receipt = Receipt::blank(H::NAME, call);
        if self.concerns_nobody::<H>() {
            return Dispatched { outcome: H::Outcome::default(), by: None, receipt: Arc::new(receipt) };
        }
        let (began, roster) = (Instant::now(), self.roster());
        let mut round = Round::<H>::new();
        let lacks = if H::FAILS_CLOSED { roster.lacks(H::NAME, H::about(&event)) } else { None };
        match lacks {
            Some(plugin) => round.lacks(plugin.listing()),
            None => round.ask(roster.of::<H>(), call, event).await,
        }
        let Round { so_far: outcome, by, ran, skipped, refused } = round;
        receipt = Receipt { ran, skipped, refused, took: began.elapsed(), ..receipt };
        let receipt = Arc::new(receipt);
        if let Some(run) = receipt.run.as_ref().filter(|_| !receipt.is_blank()) {
            self.0.kept.keep(run, Entry::Finished(receipt.kept()));
        }
        Dispatched { outcome, by, receipt }
    }
}

impl<H: Hook> Round<H> {
    fn new() -> Self {
        Self { so_far: H::Outcome::default(), by: None, ran: Vec::new(), skipped: Vec::new(), refused: None }
    }

    async fn ask(&mut self, subscribers: &[Subscriber], call: &Call, mut event: H::Event) {
        let unseen = H::unseen(&event);
        self.ran.reserve_exact(subscribers.len());
        let (mut fired, mut asking) = (None, Asking::new());
        for subscriber in subscribers {
            if let Some(why) = self.passes_over(subscriber, &event) {
                self.skipped.push(Skipped { plugin: subscriber.plugin.id().clone(), why });
                continue;
            }
            let wire = fired.get_or_insert_with(|| Fired::<H>::new(event.clone()));
            let began = asking.now();
            let answered = asking.ask(&subscriber.plugin, call, wire).await;
            if self.hear(&subscriber.plugin, answered, asking.now() - began, &mut event) {
                fired = None;
            }
        }
        if let Some(unseen) = unseen.filter(|_| self.by.is_none() && !self.ran.is_empty()) {
            let why = format!("limit-exceeded: no plugin could judge `{}`: {unseen}", H::NAME);
            self.so_far = H::refusal(why.clone());
            self.refused = Some(why);
        }
    }

    fn passes_over(&self, subscriber: &Subscriber, event: &H::Event) -> Option<Skip> {
        match &self.by {
            Some(by) => Some(Skip::EndedBefore(by.clone())),
            None => subscriber.passes_over::<H>(event),
        }
    }

    /// Takes in what a plugin said. Whether the event changed for those after it.
    fn hear(&mut self, plugin: &Plugin, answered: Answered<H::Outcome>, took: Duration, event: &mut H::Event) -> bool {
        let Answered { generation, extra_cell, bytes, answer } = answered;
        let (said, rewritten) = match answer {
            Ok(outcome) => self.answered(plugin, (outcome, bytes), event),
            Err(error) => match self.unanswered(plugin, &error) {
                Ok(said) => (said, false),
                Err(why) => return self.leaves_out(plugin, why),
            },
        };
        let plugin = plugin.id().clone();
        self.ran.push(Ran { plugin, generation, took, waited: None, extra_cell, said });
        rewritten
    }

    fn answered(&mut self, plugin: &Plugin, (mut outcome, bytes): (H::Outcome, usize), event: &mut H::Event) -> (Said, bool) {
        if outcome == H::Outcome::default() {
            return (Said::Nothing, false);
        }
        let words = Words::of(outcome.clone(), bytes);
        let ends = H::is_final(&outcome);
        let rewritten = H::rewrite(event, &mut outcome);
        H::merge(&mut self.so_far, outcome, plugin.id());
        if ends {
            self.by = Some(plugin.id().clone());
        }
        (if ends { Said::Ended(words) } else { Said::Wants(words) }, rewritten)
    }

    /// What it means that a plugin has no answer: it is passed over, or counts as one that says no. One that stands aside by now, as if it had
    /// stood aside before, wasn't to be asked at all.
    fn unanswered(&mut self, plugin: &Plugin, error: &CallError) -> Result<Said, Skip> {
        let failure = Failure::of(error);
        if let Some(skip) = stands_aside(plugin, error) {
            return Err(skip);
        }
        if !H::FAILS_CLOSED {
            return Ok(Said::Failed(failure));
        }
        let words = format!("plugin `{}` has no answer, which counts as a no for `{}`: {}", plugin.id(), H::NAME, failure.why);
        self.refuse(plugin.id(), words);
        Ok(Said::Refused(failure))
    }

    fn leaves_out(&mut self, plugin: &Plugin, why: Skip) -> bool {
        self.skipped.push(Skipped { plugin: plugin.id().clone(), why });
        false
    }

    /// A plugin that is required isn't there: nobody is asked.
    fn lacks(&mut self, listing: Listing) {
        let Listing { id, standing, why, .. } = listing;
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let words = format!(
            "plugin `{id}` is required and {standing}{why}, so what it guards is refused: bring it back, or disable it to go on without \
             (setting `plugins.{id}.required`)"
        );
        self.skipped.push(Skipped { plugin: id.clone(), why: Skip::required(standing, &words) });
        self.refuse(&id, words);
    }

    fn refuse(&mut self, by: &PluginId, words: String) {
        H::merge(&mut self.so_far, H::refusal(words), by);
        self.by = Some(by.clone());
    }
}

/// Whether a call wasn't served because the plugin isn't in service, by the operator's will or without being required.
fn stands_aside(plugin: &Plugin, error: &CallError) -> Option<Skip> {
    let CallError::Unserved(Unserved::Closed { code, .. }) = error else { return None };
    let wanted = [Standing::Disabled.name(), "uninstalled"];
    let aside = [Standing::Missing.name(), Standing::Held.name(), Standing::Failed.name(), Standing::Quarantined.name()];
    let leaves = wanted.contains(code) || (aside.contains(code) && !plugin.is_required());
    leaves.then_some(Skip::Aside(code))
}
