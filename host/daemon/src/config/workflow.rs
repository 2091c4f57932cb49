//! `[schedule]` and `[outbox]`: what plugins have the host do later, and what they hand over to people.

use super::error::Report;
use super::form::{Directory, Form, OneOf};
use super::node::Node;
use super::number::{Bytes, Count, Time};
use super::setting::{At, Maybe, Section, Setting};
use plugbay_gateway::{OutboxSettings, ScheduleSettings};
use plugbay_runtime::CatchUp;
use serde_json::{Value, json};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `[schedule]`: what plugins have the host do later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Jobs of a plugin.
    pub jobs: NonZeroUsize,
    /// Jobs that are run at the same time.
    pub concurrent: NonZeroUsize,
    /// What becomes of times that passed while the host was down.
    pub catch_up: CatchUp,
}

impl Default for Schedule {
    fn default() -> Self {
        let ScheduleSettings { jobs, concurrent, catch_up, .. } = ScheduleSettings::default();
        Self { jobs, concurrent, catch_up }
    }
}

impl Section for Schedule {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "jobs",
            says: "How many jobs a plugin may have.",
            field: &At(&Count { least: 1, most: 100_000 }, |s: &mut Self| &mut s.jobs),
        },
        Setting {
            name: "concurrent",
            says: "How many jobs of all plugins are run at the same time. A turn counts until it has its place in its session's line.",
            field: &At(&Count { least: 1, most: 10_000 }, |s: &mut Self| &mut s.concurrent),
        },
        Setting {
            name: "catch-up",
            says: "What becomes of times that passed while the host was down, where the plugin doesn't say: `once` runs the job once, however many there were; `skip` waits for the next time.",
            field: &At(&OneOf(&[("once", CatchUp::Once), ("skip", CatchUp::Skip)]), |s: &mut Self| &mut s.catch_up),
        },
    ];
}

/// `[outbox]`: what plugins hand over to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    /// The directory, if it isn't in the state directory; see [`Outbox::folder`].
    pub folder: Option<PathBuf>,
    /// How long a delivery is kept; none: for as long as its session.
    pub keep: Option<Duration>,
    /// Bytes that are kept of a plugin's deliveries.
    pub bytes: NonZeroU64,
}

impl Outbox {
    /// Where files go.
    #[must_use]
    pub fn folder(&self, state: &Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| state.join("outbox"))
    }

    /// Takes relative paths from this directory.
    pub(crate) fn relative_to(&mut self, directory: &Path) {
        if let Some(folder) = &mut self.folder {
            *folder = directory.join(&*folder);
        }
    }
}

impl Default for Outbox {
    fn default() -> Self {
        let OutboxSettings { keep, bytes, .. } = OutboxSettings::default();
        Self { folder: None, keep, bytes }
    }
}

impl Section for Outbox {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "folder",
            says: "Where files go that plugins hand over: a directory of its own, in which nothing else is. Left out: `outbox` in the state directory.",
            field: &Maybe(&Directory, |o: &mut Self| &mut o.folder),
        },
        Setting {
            name: "keep",
            says: "How long a delivery is kept; with `forever` for as long as its session.",
            field: &At(&Keeping, |o: &mut Self| &mut o.keep),
        },
        Setting {
            name: "bytes",
            says: "How much is kept of a plugin's deliveries, all together; what would be more is refused.",
            field: &At(&Bytes::SOME, |o: &mut Self| &mut o.bytes),
        },
    ];
}

/// The word for no end.
const FOREVER: &str = "forever";

/// How long something is kept, or for ever.
struct Keeping;

impl Form<Option<Duration>> for Keeping {
    fn expected(&self) -> String {
        format!("`\"{FOREVER}\"` or {}", Time::SOME.expected())
    }

    fn schema(&self) -> Value {
        json!({ "anyOf": [{ "const": FOREVER }, Time::SOME.schema()] })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<Option<Duration>> {
        if node.text() == Some(FOREVER) { Some(None) } else { Time::SOME.read(node, report).map(Some) }
    }

    fn show(&self, value: &Option<Duration>) -> Option<Value> {
        value.as_ref().map_or_else(|| Some(json!(FOREVER)), |time| Time::SOME.show(time))
    }

    fn example(&self) -> Value {
        json!(FOREVER)
    }
}
