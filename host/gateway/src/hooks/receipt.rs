//! Receipts: what became of one dispatch. Who ran, how long, what each said, who was skipped and why.
//!
//! What it is for: the one who fired a hook gets one, and a run's are kept for a while. What it costs: a few words for each plugin; what a plugin wants is
//! only written out as JSON when somebody looks. How it fails: it doesn't; text that is too long is cut and says so.

use plugbay_runtime::engine::{CallError, Unserved};
use plugbay_runtime::{Call, Grant, PluginId, Standing};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of a plugin's outcome that are kept.
const WORDS: usize = 1_024;
/// Bytes that are set aside for what will come of telling a plugin.
const LATER: usize = 256;
/// Characters of a reason that are kept.
const REASON: usize = 1_024;

/// What became of one dispatch.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    /// The hook.
    pub hook: &'static str,
    /// The number that plugins were told.
    pub invocation: u64,
    /// The run that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    pub run: Option<Arc<str>>,
    /// When it began, in milliseconds since 1970.
    pub at: u64,
    /// How long the one who fired it waited.
    #[serde(rename = "took-us", serialize_with = "micros")]
    pub took: Duration,
    /// Who ran, in this order; for a hook that is only told, who is to.
    pub ran: Vec<Ran>,
    /// Who handles the hook and didn't run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Why the host itself said no, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// One plugin that ran.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ran {
    /// The plugin.
    pub plugin: PluginId,
    /// Which of its generations served, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// How long it took, with waiting for a cell.
    #[serde(rename = "took-us", serialize_with = "micros")]
    pub took: Duration,
    /// How long the event lay in the plugin's queue, for a hook that is only told.
    #[serde(rename = "waited-us", skip_serializing_if = "Option::is_none", serialize_with = "micros_option")]
    pub waited: Option<Duration>,
    /// Whether a cell was made for this call alone, since a call of the plugin waits for this one.
    pub extra_cell: bool,
    /// What came of it.
    pub said: Said,
}

/// What came of asking or telling a plugin.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// It has no opinion.
    Nothing,
    /// This is what it wants.
    Wants(Words),
    /// This is what it wants, and nobody was asked after it.
    Ended(Words),
    /// It has no answer, so it was passed over.
    Failed(Failure),
    /// It has no answer, which counts as a no for this hook.
    Refused(Failure),
    /// It isn't its turn yet.
    Queued,
    /// It was told.
    Told,
    /// It wasn't told, for this reason.
    Dropped(String),
}

/// Why a plugin has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// One word for programs: `fault`, `failed`, `busy`, `waited`, `cut`, or why it serves no calls at present, `breaker-open` for example.
    pub code: &'static str,
    /// The same for people.
    pub why: String,
}

impl Failure {
    pub(super) fn of(error: &CallError) -> Self {
        let code = match error {
            CallError::Fault(_) => "fault",
            CallError::Failed(_) => "failed",
            CallError::Cut(_) => "cut",
            CallError::Unserved(Unserved::Closed { code, .. }) => code,
            CallError::Unserved(Unserved::Waited(_)) => "waited",
            CallError::Unserved(_) => "busy",
            _ => "unanswered",
        };
        Self { code, why: cut(error.to_string()) }
    }
}

/// A plugin that handles a hook and wasn't asked or told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Skipped {
    /// The plugin.
    pub plugin: PluginId,
    /// Why.
    pub why: Skip,
}

/// Why a plugin was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// It was denied these grants, which the hook takes.
    Denied(#[serde(serialize_with = "names")] Vec<Grant>),
    /// It wants to be asked about other tools or topics than this one.
    NotItsSubject(String),
    /// The event is about itself.
    AboutItself,
    /// This plugin ended it first.
    EndedBefore(PluginId),
    /// It doesn't serve at present, and isn't required. The word is where it stands.
    Aside(&'static str),
    /// It is required, doesn't serve, and so the answer is no.
    RequiredButAside {
        /// Where it stands.
        standing: &'static str,
        /// Why, and what to do.
        why: String,
    },
}

impl Skip {
    pub(super) fn required(standing: Standing, why: &str) -> Self {
        Self::RequiredButAside { standing: standing.name(), why: cut(why.to_owned()) }
    }
}

/// What a plugin wants, as JSON once somebody looks.
#[derive(Clone)]
pub struct Words(Wording);

#[derive(Clone)]
enum Wording {
    /// The outcome, and about how many bytes it is.
    Said(Arc<dyn Say>, usize),
    /// It had so many.
    Truncated(usize),
}

/// An outcome of any hook.
trait Say: Send + Sync {
    fn json(&self) -> serde_json::Result<Value>;
}

impl<T: Serialize + Send + Sync> Say for T {
    fn json(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }
}

impl Words {
    /// An outcome, and how many bytes of it the plugin decided on.
    pub(super) fn of<T: Serialize + Send + Sync + 'static>(outcome: T, bytes: usize) -> Self {
        Self(Wording::Said(Arc::new(outcome), bytes))
    }

    /// What it wants.
    ///
    /// # Errors
    /// If a number in it is too large for this host's types.
    pub fn json(&self) -> serde_json::Result<Value> {
        match &self.0 {
            Wording::Said(outcome, _) => outcome.json(),
            Wording::Truncated(bytes) => Ok(serde_json::json!({ "truncated": { "bytes": bytes } })),
        }
    }

    /// The same in few bytes, if it has too many to be kept.
    fn short(&self) -> Option<Self> {
        match self.0 {
            Wording::Said(_, bytes) if bytes > WORDS => Some(Self(Wording::Truncated(bytes))),
            _ => None,
        }
    }

    fn bytes(&self) -> usize {
        match &self.0 {
            Wording::Said(outcome, bytes) => size_of_val(&**outcome) + bytes,
            Wording::Truncated(_) => 0,
        }
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.json() {
            Ok(value) => write!(f, "{value}"),
            Err(e) => write!(f, "({e})"),
        }
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.json().map_err(serde::ser::Error::custom)?.serialize(to)
    }
}

impl Said {
    /// The same in few bytes, if it has too many to be kept.
    fn short(&self) -> Option<Self> {
        match self {
            Self::Wants(words) => words.short().map(Self::Wants),
            Self::Ended(words) => words.short().map(Self::Ended),
            _ => None,
        }
    }
}

impl Ran {
    /// A plugin that is to be told.
    pub(super) fn queued(plugin: &PluginId) -> Self {
        let (plugin, took) = (plugin.clone(), Duration::ZERO);
        Self { plugin, generation: None, took, waited: None, extra_cell: false, said: Said::Queued }
    }
}

impl Receipt {
    /// One of a dispatch that has just begun.
    pub(super) fn blank(hook: &'static str, call: &Call) -> Self {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() * 1_000 + u64::from(since.subsec_millis()));
        let (run, invocation) = (call.run_id().cloned(), call.invocation());
        Self { hook, invocation, run, at, took: Duration::ZERO, ran: Vec::new(), skipped: Vec::new(), refused: None }
    }

    /// Whether nobody handles the hook: then there is nothing to tell.
    pub(super) const fn is_blank(&self) -> bool {
        self.ran.is_empty() && self.skipped.is_empty() && self.refused.is_none()
    }

    /// The same, as it is kept.
    pub(super) fn kept(self: &Arc<Self>) -> Arc<Self> {
        if self.ran.iter().all(|ran| ran.said.short().is_none()) {
            return self.clone();
        }
        let mut kept = Self::clone(self);
        for ran in &mut kept.ran {
            if let Some(short) = ran.said.short() {
                ran.said = short;
            }
        }
        Arc::new(kept)
    }

    /// About how many bytes it is, once it is kept.
    pub(super) fn bytes(&self) -> usize {
        let said = |ran: &Ran| match &ran.said {
            Said::Wants(words) | Said::Ended(words) => words.bytes(),
            Said::Failed(failure) | Said::Refused(failure) => failure.why.len(),
            Said::Dropped(why) => why.len(),
            Said::Queued => LATER,
            Said::Nothing | Said::Told => 0,
        };
        let rows = self.ran.iter().map(|ran| size_of::<Ran>() + said(ran)).sum::<usize>();
        size_of::<Self>() + rows + self.skipped.len() * 2 * size_of::<Skipped>()
    }
}

/// A reason, cut where it is too long.
pub(super) fn cut(mut why: String) -> String {
    if let Some((at, _)) = why.char_indices().nth(REASON) {
        why.truncate(at);
        why.push('…');
    }
    why
}

fn shown_option<T: fmt::Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(value),
        None => to.serialize_none(),
    }
}

fn names<S: Serializer>(grants: &[Grant], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(grants.iter().map(|g| g.name()))
}

fn micros<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

fn micros_option<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    micros(&time.unwrap_or_default(), to)
}
