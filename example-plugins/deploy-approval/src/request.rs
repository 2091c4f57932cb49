//! A request: which deploy is asked for, by whom, until when, and what was decided.
//!
//! What it is for: one value that is a row of the store, and that everybody is told of in the same words. What it costs: nothing. How it fails: a field that is too long, or has characters that don't
//! belong there, is refused by name, so nothing that an agent writes can look like something that a person decided.

use crate::moment::minute;
use crate::settings::Settings;
use plugbay_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// Characters of a reason for a deploy.
const REASON: usize = 2_000;
/// Characters of what a person says to an answer.
const NOTE: usize = 1_000;
/// Characters of somebody's name.
const WHO: usize = 120;

/// What the agent asks for.
#[plugbay_sdk::args]
pub(crate) struct Wanted {
    /// What is to be deployed, as people here call it: `shop`, `team/shop`.
    pub(crate) service: String,
    /// Which version of it: a tag, a number or a commit.
    pub(crate) version: String,
    /// Where to: `staging`, `production`.
    pub(crate) environment: String,
    /// Why, in a sentence or two, for the person who decides.
    pub(crate) reason: String,
}

/// Somebody who asks or answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) channel: String,
    pub(crate) sender: String,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) environment: String,
    pub(crate) reason: String,
    /// The key of the session whose agent asks, and the life that it is in.
    pub(crate) session: String,
    pub(crate) life: String,
    /// For whom the agent asks.
    pub(crate) asked_for: Option<Person>,
    pub(crate) asked_at: u64,
    pub(crate) ends_at: u64,
    pub(crate) decision: Option<Decision>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    /// Who decided; none, if nobody did.
    pub(crate) by: Option<Person>,
    pub(crate) note: String,
    pub(crate) at: u64,
    /// Whether that was queued for the agent.
    pub(crate) told: bool,
}

/// How it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Approved,
    Rejected,
    /// Nobody answered in time.
    TimedOut,
    /// The session of the agent ended.
    Withdrawn,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed out",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Wanted {
    /// Without the space around its fields, if they are good. The error is for the agent.
    pub(crate) fn checked(self, settings: &Settings) -> Result<Self> {
        let wanted = Self {
            service: name("service", &self.service, 80, "._/-")?,
            version: name("version", &self.version, 80, "._/-+@:")?,
            environment: name("environment", &self.environment, 40, "._-")?,
            reason: prose("reason", &self.reason, REASON)?,
        };
        if wanted.reason.is_empty() {
            return Err(Error::new("`reason` is empty: a person decides by it"));
        }
        if !settings.is_known(&wanted.environment) {
            let known = settings.environments.join("`, `");
            return Err(Error::new(format!(
                "`environment` is {:?}, and deploys may be asked for to `{known}` only (setting `environments` of deploy-approval)",
                wanted.environment
            )));
        }
        Ok(wanted)
    }
}

/// A name of something, in which nothing is hidden.
fn name(what: &str, text: &str, most: usize, also: &str) -> Result<String> {
    let text = text.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    match text.chars().count() {
        0 => Err(Error::new(format!("`{what}` is empty"))),
        n if n > most => Err(Error::new(format!("`{what}` has {n} characters, {most} are allowed"))),
        _ if !text.chars().all(good) => {
            Err(Error::new(format!("`{what}` is {text:?}: it may have letters from a to z, digits, and any of `{also}`")))
        }
        _ => Ok(text.to_owned()),
    }
}

/// Words in one paragraph.
fn prose(what: &str, text: &str, most: usize) -> Result<String> {
    let text = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        n if n > most => Err(Error::new(format!("`{what}` has {n} characters, {most} are allowed"))),
        _ => Ok(text),
    }
}

/// What a person says to an answer, in one paragraph.
pub(crate) fn note(what: &str, text: &str) -> Result<String> {
    prose(what, text, NOTE)
}

/// A request's id, as people write it: `d-17`, `D-17`, `17`. None, if it is none.
pub(crate) fn id(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let digits = text.strip_prefix("d-").unwrap_or(&text);
    let good = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then(|| format!("d-{digits}"))
}

impl Person {
    /// Who is behind a call.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(WHO).collect();
        call.principal.as_ref().map(|principal| Self { channel: short(&principal.channel), sender: short(&principal.sender) })
    }

    fn words(&self) -> String {
        if self.sender.is_empty() { format!("somebody ({})", self.channel) } else { format!("{} ({})", self.sender, self.channel) }
    }
}

impl Request {
    /// What is to be done: `deploy shop 1.4.2 to production`.
    pub(crate) fn what(&self) -> String {
        format!("deploy {} {} to {}", self.service, self.version, self.environment)
    }

    /// Later ones have higher numbers.
    pub(crate) fn number(&self) -> u64 {
        self.id.trim_start_matches("d-").parse().unwrap_or(u64::MAX)
    }

    /// When it was decided on, and its number where that is the same: the order of decisions.
    pub(crate) fn decided(&self) -> Option<(u64, u64)> {
        self.decision.as_ref().map(|decision| (decision.at, self.number()))
    }

    /// Under which jobs about it are found.
    pub(crate) fn tag(&self) -> String {
        format!("deploy-{}", self.id)
    }

    /// Whether it is about the same deploy, in the same session.
    pub(crate) fn is_like(&self, life: &str, wanted: &Wanted) -> bool {
        self.life == life && (&self.service, &self.version, &self.environment) == (&wanted.service, &wanted.version, &wanted.environment)
    }

    /// How it stands, in a line for anybody.
    pub(crate) fn line(&self) -> String {
        match &self.decision {
            None => format!("{}: {}, waits for a person until {}", self.id, self.what(), minute(self.ends_at)),
            Some(decision) => format!("{}: {}, {}", self.id, self.what(), decision.words()),
        }
    }

    /// What the agent is told of the decision.
    pub(crate) fn told(&self) -> String {
        let (id, what) = (&self.id, self.what());
        let Some(decision) = &self.decision else { return self.line() };
        let by = decision.by.as_ref().map_or_else(|| "a person".to_owned(), Person::words);
        match decision.verdict {
            Verdict::Approved => format!(
                "deploy-approval: request {id} ({what}) was APPROVED by {by} at {}.{} Go on with exactly this deploy. Anything else (another service, version or environment) needs a request of its own.",
                minute(decision.at),
                quoted(" Note: ", &decision.note, ".")
            ),
            Verdict::Rejected => format!(
                "deploy-approval: request {id} ({what}) was REJECTED by {by} at {}.{} Don't make this deploy.",
                minute(decision.at),
                quoted(" Reason: ", &decision.note, ".")
            ),
            Verdict::TimedOut | Verdict::Withdrawn => format!(
                "deploy-approval: nobody answered request {id} ({what}) before {}, so it counts as REJECTED. Don't make this deploy. If it is still wanted, ask with `request_deploy` again.",
                minute(self.ends_at)
            ),
        }
    }
}

impl Decision {
    /// What was decided, by whom and when.
    pub(crate) fn words(&self) -> String {
        let by = self.by.as_ref().map(|by| format!(" by {}", by.words())).unwrap_or_default();
        format!("{}{by} at {}{}", self.verdict.word(), minute(self.at), quoted(": ", &self.note, ""))
    }
}

fn quoted(before: &str, note: &str, after: &str) -> String {
    if note.is_empty() { String::new() } else { format!("{before}“{note}”{after}") }
}
