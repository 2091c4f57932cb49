//! Receipts, as they go over the wire: what each plugin said in one flat record, and in words why one wasn't asked.

use crate::api::types::{RanView, ReceiptView, SaidKind, SkippedView};
use plugbay_gateway::{Failure, Ran, Receipt, Said, Skip, Skipped, Words};
use serde_json::{Value, json};
use std::time::Duration;

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        let Receipt { hook, invocation, run, at, took, ran, skipped, refused } = receipt;
        Self {
            hook: hook.to_owned(),
            invocation,
            run: run.as_deref().map(str::to_owned),
            at,
            took_us: micros(took),
            ran: ran.into_iter().map(Into::into).collect(),
            skipped: skipped.into_iter().map(Into::into).collect(),
            refused,
        }
    }
}

impl From<Ran> for RanView {
    fn from(ran: Ran) -> Self {
        let Ran { plugin, generation, took, waited, extra_cell, said } = ran;
        let (mut wants, mut code, mut why) = (None, None, None);
        let mut failed = |failure: Failure| (code, why) = (Some(failure.code.to_owned()), Some(failure.why));
        let said = match said {
            Said::Nothing => SaidKind::Nothing,
            Said::Wants(words) => {
                wants = Some(outcome(&words));
                SaidKind::Wants
            }
            Said::Ended(words) => {
                wants = Some(outcome(&words));
                SaidKind::Ended
            }
            Said::Failed(failure) => {
                failed(failure);
                SaidKind::Failed
            }
            Said::Refused(failure) => {
                failed(failure);
                SaidKind::Refused
            }
            Said::Queued => SaidKind::Queued,
            Said::Told => SaidKind::Told,
            Said::Dropped(reason) => {
                why = Some(reason);
                SaidKind::Dropped
            }
        };
        let (took_us, waited_us) = (micros(took), waited.map(micros));
        Self { plugin: plugin.into(), generation, took_us, waited_us, extra_cell, said, wants, code, why }
    }
}

/// What a plugin wants. A number that no JSON of this host can hold is told as such.
fn outcome(words: &Words) -> Value {
    words.json().unwrap_or_else(|e| json!({ "unreadable": e.to_string() }))
}

impl From<Skipped> for SkippedView {
    fn from(Skipped { plugin, why }: Skipped) -> Self {
        let (code, why) = match why {
            Skip::Denied(grants) => {
                let grants: Vec<_> = grants.iter().map(|grant| format!("`{}`", grant.name())).collect();
                ("denied", format!("it lacks what the hook takes: {} (setting `plugins.{plugin}.grants`)", grants.join(", ")))
            }
            Skip::NotItsSubject(subject) => ("not-its-subject", format!("it wants to be asked about others than `{subject}`")),
            Skip::AboutItself => ("about-itself", "this is about itself".to_owned()),
            Skip::EndedBefore(by) => ("ended-before", format!("`{by}` ended it before")),
            Skip::Aside(standing) => ("aside", format!("it is {standing}, and not required")),
            Skip::RequiredButAside { standing, why } => {
                ("required-but-aside", format!("it is required and {standing}, so the answer is no: {why}"))
            }
        };
        Self { plugin: plugin.into(), code: code.to_owned(), why }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
