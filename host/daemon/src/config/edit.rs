//! What commands change in the file.
//!
//! Each edit is one value at one place; several are done one after another, and the outcome is decoded as the operator's own edit would be. An edit
//! that would make the file invalid is refused and says why; one that changes nothing leaves every byte as it is.

use super::error::{ConfigError, did_you_mean};
use super::form::BUILTIN;
use super::patch;
use super::plugins::is_reserved;
use super::setting::Section;
use super::slots::{SLOTS, Slot};
use super::{Config, PluginConfig};
use plugbay_runtime::engine::Limits;
use plugbay_runtime::{Grant, PluginId};
use std::path::Path;
use thiserror::Error;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Switches a plugin on or off.
    Enabled {
        /// Whose.
        plugin: PluginId,
        /// On.
        enabled: bool,
    },
    /// Grants or denies something; with `None`, nobody has decided.
    Grant {
        /// To whom.
        plugin: PluginId,
        /// What.
        grant: Grant,
        /// Whether.
        decision: Option<bool>,
    },
    /// Sets a limit; with `None`, the default counts.
    Limit {
        /// Whose.
        plugin: PluginId,
        /// Its name in `limits`.
        limit: String,
        /// The value as the file has it: `64 MiB`, `100`.
        value: Option<String>,
    },
    /// Gives a slot to a plugin; with `None`, to what is built in.
    Slot {
        /// Which.
        slot: Slot,
        /// To whom.
        plugin: Option<PluginId>,
    },
    /// Removes everything that was decided about a plugin, but not from `plugins.allow` and `plugins.deny`: those outlast what is installed.
    Forget {
        /// Whose.
        plugin: PluginId,
    },
}

/// Why the file can't be edited.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The id is a word of the file.
    #[error("a plugin named `{0}` can't have settings: in the table `plugins`, `{0}` is a list of plugins")]
    Reserved(PluginId),
    /// There is no such limit.
    #[error("there is no limit `{name}`; expected {known}{}", hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default())]
    NoSuchLimit {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// The file would be refused.
    #[error("the edit would leave a configuration that is refused:\n{0}")]
    Invalid(#[from] ConfigError),
    /// The text can't be edited.
    #[error("can't edit the configuration: {0}")]
    Text(#[from] toml_edit::TomlError),
}

/// The text with all edits done, and what it says then.
pub(crate) fn apply(text: &str, edits: &[Edit], file: &Path) -> Result<(String, Config), EditError> {
    let mut text = text.to_owned();
    for edit in edits {
        text = applied(&text, edit, file)?;
    }
    let config = Config::parse(&text, file)?;
    Ok((text, config))
}

fn applied(text: &str, edit: &Edit, file: &Path) -> Result<String, EditError> {
    match edit {
        Edit::Enabled { plugin, enabled } => decide(text, plugin, &["enabled"], Some(enabled.to_string())),
        Edit::Grant { plugin, grant, decision } => decide(text, plugin, &["grants", grant.name()], decision.map(|d| d.to_string())),
        Edit::Limit { plugin, limit, value } => decide(text, plugin, &["limits", known(limit)?], value.as_deref().map(literal)),
        Edit::Slot { slot, plugin } => give(text, *slot, plugin.as_ref(), file),
        Edit::Forget { plugin } => forget(text, plugin, file),
    }
}

/// Sets or removes what is decided about a plugin.
fn decide(text: &str, plugin: &PluginId, what: &[&str], value: Option<String>) -> Result<String, EditError> {
    if is_reserved(plugin.as_str()) {
        return Err(EditError::Reserved(plugin.clone()));
    }
    let path = [&["plugins", plugin.as_str()], what].concat();
    Ok(match value {
        Some(value) => patch::set(text, &path, 2, &value)?,
        None => patch::remove(text, &path)?,
    })
}

/// The name of a limit, if there is one of that name.
fn known(name: &str) -> Result<&'static str, EditError> {
    let names = || Limits::SETTINGS.iter().map(|setting| setting.name);
    names().find(|known| *known == name).ok_or_else(|| EditError::NoSuchLimit {
        name: name.to_owned(),
        known: names().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "),
        hint: did_you_mean(name, names()),
    })
}

/// A value as TOML: a whole number stands for itself, all else is text.
fn literal(value: &str) -> String {
    if value.parse::<i64>().is_ok() { value.to_owned() } else { serde_json::Value::from(value).to_string() }
}

/// Gives a slot to one plugin, and takes it from all others.
fn give(text: &str, slot: Slot, plugin: Option<&PluginId>, file: &Path) -> Result<String, EditError> {
    let mut text = text.to_owned();
    for (id, config) in &Config::parse(&text, file)?.plugins.named {
        if config.slots.contains(&slot) && Some(id) != plugin {
            text = give_up(&text, id, config, slot)?;
        }
    }
    let holder = plugin.map_or(BUILTIN, PluginId::as_str);
    Ok(patch::set(&text, &["slots", slot.name()], 1, &literal(holder))?)
}

/// Takes a slot out of what a plugin says of itself, if it says so.
fn give_up(text: &str, id: &PluginId, config: &PluginConfig, slot: Slot) -> Result<String, EditError> {
    let path = ["plugins", id.as_str(), "slots"];
    let left: Vec<_> = config.slots.iter().filter(|s| **s != slot).map(|s| literal(s.name())).collect();
    Ok(if left.is_empty() { patch::remove(text, &path)? } else { patch::set(text, &path, 2, &format!("[{}]", left.join(", ")))? })
}

/// Removes a plugin's table, and its slots.
fn forget(text: &str, plugin: &PluginId, file: &Path) -> Result<String, EditError> {
    if is_reserved(plugin.as_str()) {
        return Err(EditError::Reserved(plugin.clone()));
    }
    let held = Config::parse(text, file)?.plugin(plugin).slots;
    let mut text = patch::remove(text, &["plugins", plugin.as_str()])?;
    for slot in SLOTS.iter().map(|(_, slot)| *slot).filter(|slot| held.contains(slot)) {
        text = patch::remove(&text, &["slots", slot.name()])?;
    }
    Ok(text)
}
