//! Plugins as they are listed and looked at.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It serves.
    Active,
    /// The operator switched it off.
    Disabled,
    /// It asks for something that nobody has decided on.
    Held,
    /// Its file is gone.
    Missing,
    /// It was refused, and nothing serves in its place.
    Failed,
    /// It faulted too often.
    Quarantined,
}

/// A plugin in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginSummary {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub standing: Standing,
    /// Why, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The version that serves, or ran last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How often something of it was published.
    pub generation: u64,
    /// Its version is lower than that of the one before.
    pub downgrade: bool,
    /// Whether what it guards is refused while it isn't active.
    pub required: bool,
    /// Calls of the generation that serves.
    pub calls: u64,
    /// Those of them that ended in a fault.
    pub faults: u64,
    /// What its file holds, where that isn't what runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileView>,
    /// Its probation, while it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probation: Option<ProbationView>,
    /// Its breaker, unless it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<String>,
    /// Its part as context engine, if it is in the slot, or was and failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_engine: Option<EngineView>,
}

/// A plugin's part as context engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineView {
    /// Whether it is in the slot.
    pub wanted: bool,
    /// Whether turns that begin now go by it.
    pub serving: bool,
    /// Why not, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it failed, if it is in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantined_at: Option<u64>,
}

/// What only one plugin does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotList {
    /// By name.
    pub slots: Vec<SlotView>,
}

/// Who is to do what only one plugin does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotChange {
    /// The plugin; null: nobody but the host itself.
    pub plugin: Option<String>,
    /// Why, for the history.
    #[serde(default)]
    pub why: Option<String>,
}

/// A slot: what only one plugin does, and who does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotView {
    /// Its name: `context-engine`.
    pub slot: String,
    /// The plugin that is wanted; left out: the built-in engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred: Option<String>,
    /// Who serves turns that begin now: a plugin, or `builtin`.
    pub serving: String,
    /// Why the plugin that is wanted doesn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// All plugins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginList {
    /// By id.
    pub plugins: Vec<PluginSummary>,
    /// Files of the directory that are no plugins, and why.
    pub refused: Vec<RefusedFile>,
    /// The slot of the context engine.
    pub context_engine: SlotView,
}

/// A file that isn't a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedFile {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A component that doesn't run although its file is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileView {
    /// Its digest.
    pub digest: String,
    /// Its version, as far as it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `held`, `refused`, `failed` or `rolled-back`.
    pub fate: String,
    /// The step at which it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why, in words.
    pub why: String,
    /// Grants that nobody has decided on.
    pub undecided: Vec<String>,
    /// Grants that it asks for and that what runs doesn't.
    pub adds: Vec<String>,
}

/// A probation that isn't over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbationView {
    /// Calls that have ended.
    pub calls: u32,
    /// Those of them that faulted.
    pub faults: u32,
    /// Calls that are left.
    pub calls_left: u32,
    /// Time that is left.
    pub ms_left: u64,
}

/// All that there is to say of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: PluginSummary,
    /// What its manifest says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<serde_json::Value>,
    /// Interfaces of the contract that it imports.
    pub imports: Vec<String>,
    /// Interfaces of the contract that it exports.
    pub exports: Vec<String>,
    /// Interfaces of others that it exports; they are ignored.
    pub ignored: Vec<String>,
    /// What it may do.
    pub grants: GrantsView,
    /// Hooks that it handles.
    pub hooks: Vec<HookView>,
    /// Hooks that it exports and that aren't called, since it hasn't every grant that they take.
    pub uncalled: Vec<UncalledHook>,
    /// Tools that it registers.
    pub tools: Vec<PluginTool>,
    /// Actions that people can have it do.
    pub actions: Vec<PluginAction>,
    /// Commands that it registers.
    pub commands: Vec<PluginCommand>,
    /// What a page shows of it.
    pub ui: Vec<PluginUi>,
    /// How its cells are kept.
    pub isolation: String,
    /// Its settings, secrets hidden.
    pub config: serde_json::Value,
    /// Versions that are kept, the one that serves first.
    pub versions: Vec<VersionView>,
}

/// What a component asks for, and what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct GrantsView {
    /// What it asks for.
    pub asks: Vec<String>,
    /// What of it it has.
    pub granted: Vec<String>,
    /// What of it was denied.
    pub denied: Vec<String>,
    /// What nobody has decided on.
    pub undecided: Vec<String>,
}

/// A hook that a plugin handles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookView {
    /// Its name.
    pub name: String,
    /// How long a call may take.
    pub budget_ms: u64,
}

/// A hook that a plugin exports and that isn't called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UncalledHook {
    /// Its name.
    pub name: String,
    /// Grants that it takes and that the plugin hasn't.
    pub lacks: Vec<String>,
    /// The settings that would give them, in the same order.
    pub settings: Vec<String>,
}

/// A tool that a plugin registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginTool {
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub description: String,
    /// What can come of it: `low`, `medium` or `high`, where the plugin says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// What it is about.
    pub tags: Vec<String>,
    /// Other plugins that claim this name. If there are any, none has the tool.
    pub clashes_with: Vec<String>,
}

/// What people can have a plugin do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginAction {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What a caller needs.
    pub scope: String,
}

/// A command that a plugin registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginCommand {
    /// Its name, without the slash.
    pub name: String,
    /// What it does, in a line.
    pub description: String,
    /// What stands behind it. None: it takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// What a caller needs.
    pub scope: String,
    /// Other plugins that claim this name. If there are any, none has the command.
    pub clashes_with: Vec<String>,
    /// Whether the program has a command of this name itself, so that no plugin can have it.
    pub reserved: bool,
}

/// What a page shows of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginUi {
    /// Its id.
    pub id: String,
    /// Where it is shown.
    pub surface: String,
    /// Its name for people.
    pub label: String,
    /// What somebody needs to see it.
    pub scope: String,
}

/// A version that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// When it first served.
    pub since: u64,
    /// Whether it serves, or ran last.
    pub active: bool,
    /// Why it is marked as failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// The versions of a plugin that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    /// The one that serves first.
    pub versions: Vec<VersionView>,
}

/// A component that was looked at and not installed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inspection {
    /// The plugin that it is.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// What its manifest says.
    pub manifest: serde_json::Value,
    /// Interfaces of the contract that it imports.
    pub imports: Vec<String>,
    /// Interfaces of the contract that it exports.
    pub exports: Vec<String>,
    /// Interfaces of others that it exports; they are ignored.
    pub ignored: Vec<String>,
    /// What it asks for, and what was decided.
    pub grants: GrantsView,
    /// Grants that it asks for and that what runs doesn't.
    pub adds: Vec<String>,
    /// Grants that what runs asks for and it doesn't.
    pub drops: Vec<String>,
}
