//! `[plugins]`: which plugins may run, and what the operator decides about each.
//!
//! The words `allow` and `deny` are lists in this table, so no plugin of such a name can be configured. A plugin that the file doesn't name has the
//! defaults.

use super::error::Report;
use super::form::{Flag, Id, Keeping, OneOf, SetOf};
use super::free::Free;
use super::node::{Entry, Node, join};
use super::number::{Bytes, Count, Processor, Time};
use super::setting::{At, Field, In, Maybe, Named, Row, Section, Setting, read_section, section_rows, section_schema};
use super::slots::{SLOTS, Slot};
use plugbay_runtime::engine::Limits;
use plugbay_runtime::{Grant, HOOKS, PluginId, Settings};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use toml::de::DeValue;

/// What the operator decides about all plugins.
#[derive(Debug, Clone, Default)]
pub struct Plugins {
    /// The only ones that may run, if given.
    pub allow: Option<BTreeSet<PluginId>>,
    /// Those that may not; wins.
    pub deny: BTreeSet<PluginId>,
    /// Those that the file has settings of.
    pub(crate) named: BTreeMap<PluginId, PluginConfig>,
}

/// Whether a plugin may run by the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// It may.
    #[default]
    Allowed,
    /// There is a list `plugins.allow`, and it isn't in it.
    NotInAllow,
    /// It is in `plugins.deny`.
    InDeny,
}

/// What the operator decides about a plugin.
#[derive(Debug, Clone)]
pub struct PluginConfig {
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether it may run.
    pub allowed: Verdict,
    /// What its generations are made with.
    pub settings: Settings,
    /// The slots that it holds.
    pub slots: BTreeSet<Slot>,
}

impl Default for PluginConfig {
    fn default() -> Self {
        Self { enabled: true, allowed: Verdict::default(), settings: Settings::default(), slots: BTreeSet::new() }
    }
}

impl Plugins {
    /// What is decided about a plugin.
    pub(crate) fn get(&self, id: &PluginId) -> PluginConfig {
        let mut named = self.named.get(id).cloned().unwrap_or_default();
        named.allowed = self.verdict(id);
        named
    }

    fn verdict(&self, id: &PluginId) -> Verdict {
        if self.deny.contains(id) {
            Verdict::InDeny
        } else if self.allow.as_ref().is_some_and(|allow| !allow.contains(id)) {
            Verdict::NotInAllow
        } else {
            Verdict::Allowed
        }
    }
}

impl Section for Plugins {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "allow",
            says: "The only plugins that may run. Left out: all that aren't in `plugins.deny`.",
            field: &Maybe(&SetOf(Id), |p: &mut Self| &mut p.allow),
        },
        Setting {
            name: "deny",
            says: "Plugins that may not run, whatever else is said.",
            field: &At(&SetOf(Id), |p: &mut Self| &mut p.deny),
        },
    ];
}

impl Section for PluginConfig {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting { name: "enabled", says: "Whether the plugin is switched on.", field: &At(&Flag, |p: &mut Self| &mut p.enabled) },
        Setting {
            name: "required",
            says: "Whether what it guards is refused while it isn't active. Left out: only if it was granted `policy`.",
            field: &Maybe(&Flag, |p: &mut Self| &mut p.settings.required),
        },
        Setting {
            name: "isolation",
            says: "How its cells are kept: one for all calls, one a session, a fresh one a call, or a pool. Left out: one for all calls; for a context engine one a session, if it bears that.",
            field: &Maybe(&Keeping, |p: &mut Self| &mut p.settings.isolation),
        },
        Setting {
            name: "grants",
            says: "`true`: granted; `false`: denied. Left out: granted if that is the default, else undecided.",
            field: &GRANTS,
        },
        Setting { name: "limits", says: "What a cell and its calls may use.", field: &In(|p: &mut Self| &mut p.settings.limits) },
        Setting { name: "budgets", says: "How long a call for this hook may take.", field: &BUDGETS },
        Setting {
            name: "drain",
            says: "How long calls may go on in a version that was replaced, before they are cut.",
            field: &At(&Time::ANY, |p: &mut Self| &mut p.settings.drain),
        },
        Setting {
            name: "slots",
            says: "The slots that it holds; `[slots]` can say the same.",
            field: &At(&SetOf(OneOf(SLOTS)), |p: &mut Self| &mut p.slots),
        },
        Setting {
            name: "config",
            says: "The plugin's own settings, by its own schema.",
            field: &Free(|p: &mut Self| &mut p.settings.config),
        },
    ];
}

/// What is granted and denied.
const GRANTS: Named<PluginConfig, bool> = Named {
    of: "grant",
    names: || Grant::ALL.iter().map(|g| g.name()).collect(),
    form: &Flag,
    put: |plugin, n, granted| {
        let grants = &mut plugin.settings.grants;
        let set = if granted { &mut grants.granted } else { &mut grants.denied };
        set.extend(Grant::ALL.get(n));
    },
    default: |n| Grant::ALL.get(n).filter(|g| g.is_low_risk()).map(|_| json!(true)),
};

/// How long hooks may take.
const BUDGETS: Named<PluginConfig, Duration> = Named {
    of: "hook",
    names: || HOOKS.iter().map(|h| h.name).collect(),
    form: &Time::SOME,
    put: |plugin, n, budget| plugin.settings.budgets.extend(HOOKS.get(n).map(|h| (h.name.to_owned(), budget))),
    default: |n| HOOKS.get(n).and_then(|h| super::form::Form::show(&Time::ANY, &h.budget)),
};

impl Section for Limits {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting { name: "memory", says: "All memories and tables of a cell.", field: &At(&Bytes::SOME, |l: &mut Self| &mut l.memory) },
        Setting {
            name: "core-instances",
            says: "Core instances of a cell.",
            field: &At(&Count::from(1), |l: &mut Self| &mut l.core_instances),
        },
        Setting { name: "memories", says: "Memories of a cell.", field: &At(&Count::from(1), |l: &mut Self| &mut l.memories) },
        Setting { name: "tables", says: "Tables of a cell.", field: &At(&Count::from(1), |l: &mut Self| &mut l.tables) },
        Setting {
            name: "cpu",
            says: "Processor time of a call. Left out: 1 s, or a third of the call's budget if that is more.",
            field: &At(&Processor, |l: &mut Self| &mut l.cpu),
        },
        Setting {
            name: "host-calls",
            says: "Calls into the host during a call.",
            field: &At(&Count::from(1), |l: &mut Self| &mut l.host_calls),
        },
        Setting {
            name: "copied-in",
            says: "What one call into the host brings along.",
            field: &At(&Bytes::SOME, |l: &mut Self| &mut l.copied_in),
        },
        Setting { name: "returned", says: "What a call returns.", field: &At(&Bytes::SOME, |l: &mut Self| &mut l.returned) },
        Setting { name: "handles", says: "Handles of a cell.", field: &At(&Count::from(1), |l: &mut Self| &mut l.handles) },
        Setting { name: "log-rate", says: "What the plugin logs a second.", field: &At(&Bytes::SOME, |l: &mut Self| &mut l.log_rate) },
        Setting { name: "log-line", says: "One line of its log.", field: &At(&Bytes::SOME, |l: &mut Self| &mut l.log_line) },
        Setting { name: "waiting", says: "Calls that may wait for a cell.", field: &At(&Count::from(0), |l: &mut Self| &mut l.waiting) },
    ];
}

/// The table itself: two lists, and a section for each plugin.
pub(crate) struct Table;

impl Field<super::Config> for Table {
    fn read(&self, config: &mut super::Config, node: &Node<'_>, report: &mut Report<'_>) {
        let plugins = &mut config.plugins;
        let (lists, named): (Vec<_>, Vec<_>) = node.entries(report).into_iter().partition(|entry| is_reserved(entry.key));
        let (misnamed, lists) = lists.into_iter().partition(|entry| matches!(entry.node.value, DeValue::Table(_)));
        read_section(plugins, lists, &node.path, report);
        let misnamed: Vec<Entry<'_>> = misnamed;
        for Entry { key, key_at, .. } in misnamed {
            let what = format!(
                "`{}`: `{key}` is a reserved word of this table, a list of plugins; no plugin of that id can have settings",
                join("plugins", key)
            );
            report.add_name(&key_at, what, None);
        }
        for entry in named {
            if let Some((id, plugin)) = read_plugin(&entry, report) {
                plugins.named.insert(id, plugin);
            }
        }
    }

    fn schema(&self) -> Value {
        let mut schema = section_schema::<Plugins>();
        if let Value::Object(table) = &mut schema {
            let Value::Object(id) = super::form::Form::schema(&Id) else { return schema };
            table.insert("propertyNames".to_owned(), id.into());
            table.insert("additionalProperties".to_owned(), section_schema::<PluginConfig>());
        }
        schema
    }

    fn rows(&self, config: &mut super::Config, path: &str, _: &'static str, rows: &mut Vec<Row>) {
        section_rows(&mut config.plugins, path, rows);
        section_rows(&mut PluginConfig::default(), &format!("{path}.<id>"), rows);
    }
}

/// Whether the table has another use for the word.
pub(crate) fn is_reserved(key: &str) -> bool {
    Plugins::SETTINGS.iter().any(|setting| setting.name == key)
}

fn read_plugin(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<(PluginId, PluginConfig)> {
    let Entry { key, key_at, node } = entry;
    let id = match PluginId::try_from((*key).to_owned()) {
        Ok(id) => id,
        Err(no_id) => {
            report.add_name(key_at, format!("`{}`: {no_id}", node.path), None);
            return None;
        }
    };
    if !matches!(node.value, DeValue::Table(_)) {
        let hint = super::error::did_you_mean(key, Plugins::SETTINGS.iter().map(|s| s.name));
        node.misfit_hinting(&format!("a table with the settings of the plugin `{id}`"), hint, report);
        return None;
    }
    let mut plugin = PluginConfig::default();
    read_section(&mut plugin, node.entries(report), &node.path, report);
    Some((id, plugin))
}
