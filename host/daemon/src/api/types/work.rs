//! What plugins have the host do later, and what they have handed over.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Of this plugin only.
    pub plugin: Option<String>,
    /// About this session only.
    pub session: Option<String>,
    /// With this tag only.
    pub tag: Option<String>,
    /// Those behind this spot: `next` of the page before.
    pub after: Option<String>,
    /// So many at most; 100 unless said, 1,000 at most.
    pub limit: Option<usize>,
}

/// Jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// By when they run next; fewer than asked for where they are large, none behind the last one.
    pub jobs: Vec<JobView>,
    /// The spot behind these, where the list goes on with `after`. There is none where no jobs are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a plugin has the host do later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// The plugin.
    pub plugin: String,
    /// `turn`: the session's agent has one. `timer`: the plugin itself is told. `action`: the session's agent goes on after an action or a command.
    pub kind: String,
    /// The plugin's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The session that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// When it runs, in words: `once`, or the repeated moment.
    pub when: String,
    /// When it is due next. None: it is running for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<u64>,
    /// Whether a run of it is under way.
    pub running: bool,
    /// What the agent is told, if it has a turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was made.
    pub created_at: u64,
}

/// Why something is removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct RemovalQuery {
    /// Why, for the history.
    pub why: Option<String>,
}

/// A job that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobRemoved {
    /// Its id.
    pub id: String,
    /// The plugin that it was of.
    pub plugin: String,
}

/// Which deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct OutboxQuery {
    /// For this session's people only.
    pub session: Option<String>,
    /// Of this plugin only.
    pub plugin: Option<String>,
    /// With smaller numbers than this.
    pub before: Option<u64>,
    /// So many at most; 100 unless said, 1,000 at most.
    pub limit: Option<usize>,
}

/// Deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    /// The newest first; none behind the oldest.
    pub deliveries: Vec<DeliveryView>,
}

/// What was handed over to a session's people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// Its id.
    pub id: String,
    /// Its number; growing, and never used twice.
    pub seq: u64,
    /// The session whose people it is for.
    pub session: String,
    /// The plugin that handed it over; of words without files, the one that had the agent speak.
    pub plugin: String,
    /// The run in which that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When.
    pub at: u64,
    /// What is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// How that is to be read: `plain`, `markdown` or `html`. Whoever shows HTML has to make it safe: it is a plugin's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption_format: Option<String>,
    /// The files.
    pub files: Vec<DeliveredFile>,
}

/// A file that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveredFile {
    /// Its number in the delivery, by which it is fetched; the first is 1.
    pub number: u64,
    /// Its name. A plugin chose it.
    pub name: String,
    /// What it was found to be.
    pub content_type: String,
    /// Its bytes.
    pub bytes: u64,
}

/// A delivery that is gone, with its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryRemoved {
    /// Its id.
    pub id: String,
    /// The session whose people it was for.
    pub session: String,
}
