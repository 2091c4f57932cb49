//! What reviews have found in a session: the session's state, what is shown of it, and the command `/reviews`.
//!
//! What it is for: an operator sees which rules an agent breaks, and whether sending it back helps. What it costs: a write of the session's state where
//! something was found or put right; 10 KiB at most. How it fails: what can't be kept is said in the log, and the review counts all the same. A reset takes it away.

use crate::findings::Finding;
use crate::rule::Rules;
use plugbay_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

const NAMESPACE: &str = "reviews";
/// Reviews that are remembered: the newest.
const LAST: usize = 10;
/// Characters of what one of them has found.
const WORDS: usize = 400;

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It was sent back.
    SentBack,
    /// It was sent back, and the next one was good.
    PutRight,
    /// It stands, since no attempt was left.
    Stood,
}

impl Outcome {
    fn words(self) -> &'static str {
        match self {
            Self::SentBack => "sent back",
            Self::PutRight => "put right",
            Self::Stood => "stands all the same",
        }
    }
}

/// The reviews of one run in which something was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Review {
    run: String,
    /// In milliseconds since 1970.
    at: u64,
    /// How often it was sent back.
    times: u32,
    found: String,
    outcome: Outcome,
}

/// The session's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reviews {
    sent_back: u64,
    put_right: u64,
    stood: u64,
    /// How often each rule was broken.
    rules: BTreeMap<String, u64>,
    /// Oldest first.
    last: Vec<Review>,
}

/// Keeps what a review has found.
pub(crate) fn keep(call: &Call, rules: &Rules, found: &[Finding], outcome: Outcome) {
    let Some(session) = &call.session else { return };
    let kept = Reviews::of(session).and_then(|before| {
        let mut reviews = before.clone();
        reviews.rules.retain(|name, _| rules.has(name));
        reviews.add(call.run.as_deref().unwrap_or_default(), found, outcome);
        if reviews != before {
            session_state::patch(session, NAMESPACE, &reviews)?;
        }
        Ok(())
    });
    if let Err(error) = kept {
        log::warn!("what a review has found isn't kept: {error}");
    }
}

impl Reviews {
    /// Those of a session. What an admin has made of it that can't be read counts as none.
    pub(crate) fn of(session: &Session) -> Result<Self> {
        match session_state::read(session, NAMESPACE) {
            Err(session_state::SessionStateError::Json(_)) => Ok(Self::default()),
            reviews => Ok(reviews?.unwrap_or_default()),
        }
    }

    /// A run was put right, or stands, once, as its last review says: others may send a good answer back, too.
    fn add(&mut self, run: &str, found: &[Finding], outcome: Outcome) {
        for finding in found {
            let count = self.rules.entry(finding.rule.clone()).or_default();
            *count = count.saturating_add(1);
        }
        let mut review = match self.last.pop_if(|last| last.run == run && !run.is_empty()) {
            Some(review) => review,
            None => Review { run: run.to_owned(), at: now(), times: 0, found: String::new(), outcome: Outcome::SentBack },
        };
        if review.outcome != Outcome::SentBack {
            let counter = self.counter(review.outcome);
            *counter = counter.saturating_sub(1);
        }
        let counter = self.counter(outcome);
        *counter = counter.saturating_add(1);
        review.outcome = outcome;
        review.times += u32::from(outcome == Outcome::SentBack);
        if !found.is_empty() {
            let words: Vec<_> = found.iter().map(|finding| format!("{}: {}", finding.rule, finding.wrong.join("; "))).collect();
            review.found = words.join(". ").chars().take(WORDS).collect();
        }
        self.last.push(review);
        self.last.drain(..self.last.len().saturating_sub(LAST));
    }

    fn counter(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::SentBack => &mut self.sent_back,
            Outcome::PutRight => &mut self.put_right,
            Outcome::Stood => &mut self.stood,
        }
    }

    /// What is shown of a session.
    pub(crate) fn shown(&self) -> Option<Value> {
        let last = self.last.last()?;
        let words = format!("{}: {}", last.outcome.words(), last.found);
        Some(json!({ "sent back": self.sent_back, "put right": self.put_right, "stood": self.stood, "last": words }))
    }

    /// What `/reviews` says.
    pub(crate) fn told(&self) -> String {
        if self.last.is_empty() {
            return "No review has found anything in this session.".into();
        }
        let mut lines = vec![format!("Sent back {}, put right {}, stood all the same {}.", self.sent_back, self.put_right, self.stood)];
        let broken: Vec<_> = self.rules.iter().map(|(name, count)| format!("{name} {count}")).collect();
        if !broken.is_empty() {
            lines.push(format!("Broken: {}.", broken.join(", ")));
        }
        let line = |review: &Review| format!("- {} (back {}): {}", review.outcome.words(), review.times, review.found);
        lines.extend(self.last.iter().rev().map(line));
        lines.join("\n")
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
