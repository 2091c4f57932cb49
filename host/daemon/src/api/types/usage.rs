//! What plugins may use and have used, and calls of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A limit of a plugin, and what was used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitView {
    /// Its name.
    pub name: String,
    /// Its value, as `plugbay.toml` writes it.
    pub value: String,
    /// Whether the operator set it.
    pub set: bool,
    /// What was used of it, where that is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// The setting that changes it.
    pub setting: String,
}

/// The limits of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitList {
    /// In the order of the documentation.
    pub limits: Vec<LimitView>,
}

/// What one export of a plugin has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExportUsage {
    /// The export.
    pub export: String,
    /// Calls that reached it.
    pub calls: u64,
    /// Those that ended in a fault.
    pub faults: u64,
    /// Those that it answered with an error.
    pub failed: u64,
    /// Those that the host cut off.
    pub cut: u64,
    /// Calls that never reached it.
    pub unserved: u64,
    /// Processor time of all calls, in microseconds.
    pub cpu_us: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// The most memory that a cell had after a call, in bytes.
    pub memory: u64,
}

/// What a plugin has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginUsage {
    /// The plugin.
    pub id: String,
    /// The generation whose exports these are.
    pub generation: u64,
    /// By export.
    pub exports: Vec<ExportUsage>,
    /// Rows that it stores.
    pub rows: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Cells that are warm.
    pub warm_cells: u64,
}

/// What plugins have used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageList {
    /// By id.
    pub plugins: Vec<PluginUsage>,
}

/// A hook that is to fire at one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HookCall {
    /// What happened, as the hook's documentation says.
    pub event: serde_json::Value,
    /// The session that it is about: its stable key.
    #[serde(default)]
    pub session: Option<String>,
}

/// What a plugin answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HookAnswer {
    /// The generation that serves.
    pub generation: u64,
    /// What it wants; empty if it has no opinion.
    pub outcome: serde_json::Value,
}
