//! The tools that a turn has: fixed when it begins, so that a swap in the middle changes neither which there are nor what they do.
//!
//! A set holds each plugin's generation as it was. It costs what registrations say; schemas are compiled when a tool is first called, once for each generation.
//! A name that two plugins claim is neither's, and [`ToolSet::clashes`] says whose it would be: whose tool is called never depends on who came first.

use crate::model::ToolDefinition;
use plugbay_runtime::{Pinned, PluginId, Plugins, Risk, Schema, ToolRegistration};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// The tools of one moment.
#[derive(Default)]
pub struct ToolSet {
    tools: BTreeMap<String, Arc<Tool>>,
    clashes: Vec<Clash>,
}

/// A tool of a generation that is held.
pub(super) struct Tool {
    pub(super) shown: ListedTool,
    pub(super) pinned: Pinned,
    schema: OnceLock<Result<Schema, String>>,
}

/// A tool, as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedTool {
    /// Its name.
    pub name: String,
    /// The plugin that it is of.
    pub owner: PluginId,
    /// The plugin's version.
    pub version: String,
    /// The plugin's generation.
    pub generation: u64,
    /// What people call it.
    pub title: Option<String>,
    /// What it is good for, in words for the model.
    pub description: String,
    /// What can come of it.
    pub risk: Option<Risk>,
    /// What it is about.
    pub tags: Vec<String>,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// A name that several plugins claim, and none has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Clash {
    /// The name.
    pub name: String,
    /// Who claims it, by id.
    pub owners: Vec<PluginId>,
}

impl Tool {
    fn new(pinned: &Pinned, registered: &ToolRegistration) -> Self {
        let generation = pinned.generation();
        let manifest = generation.manifest();
        let ToolRegistration { name, description, parameters, title, risk, tags } = registered.clone();
        let (owner, version, number) = (manifest.id.clone(), manifest.version.to_string(), generation.number());
        let shown = ListedTool { name, owner, version, generation: number, title, description, risk, tags, parameters };
        Self { shown, pinned: pinned.clone(), schema: OnceLock::new() }
    }

    /// Whether it takes these arguments.
    ///
    /// # Errors
    /// The place that it doesn't take, and why.
    pub(super) fn takes(&self, arguments: &Value) -> Result<(), String> {
        let compiled = self.schema.get_or_init(|| Schema::compile(&self.shown.parameters));
        compiled.as_ref().map_err(Clone::clone)?.check(arguments)
    }
}

impl ToolSet {
    /// The tools of all plugins that serve now. What is the same generation as in an earlier set is taken from there.
    pub(super) fn gather(plugins: &Plugins, earlier: &Self) -> Self {
        let mut claims: BTreeMap<String, Vec<Arc<Tool>>> = BTreeMap::new();
        for pinned in plugins.all().iter().filter_map(|plugin| plugin.pin()) {
            for registered in &pinned.generation().registration().tools {
                let tool = earlier.same(&pinned, &registered.name).unwrap_or_else(|| Arc::new(Tool::new(&pinned, registered)));
                claims.entry(registered.name.clone()).or_default().push(tool);
            }
        }
        let mut set = Self::default();
        for (name, mut claimed) in claims {
            match claimed.pop() {
                Some(only) if claimed.is_empty() => drop(set.tools.insert(name, only)),
                last => {
                    let owners: BTreeSet<_> = claimed.into_iter().chain(last).map(|tool| tool.shown.owner.clone()).collect();
                    set.clashes.push(Clash { name, owners: owners.into_iter().collect() });
                }
            }
        }
        set
    }

    /// This tool, if it is of the same generation.
    fn same(&self, pinned: &Pinned, name: &str) -> Option<Arc<Tool>> {
        let generation = pinned.generation();
        let is_it = |tool: &&Arc<Tool>| tool.shown.owner == generation.manifest().id && tool.shown.generation == generation.number();
        self.tools.get(name).filter(is_it).cloned()
    }

    /// Only the tools with these names.
    #[must_use]
    pub fn only(&self, allowed: &BTreeSet<String>) -> Self {
        let tools =
            self.tools.iter().filter(|(name, _)| allowed.contains(*name)).map(|(name, tool)| (name.clone(), tool.clone())).collect();
        Self { tools, clashes: self.clashes.clone() }
    }

    /// What the model is told of them, by name; only of those allowed, if anything is said about that.
    #[must_use]
    pub fn definitions(&self, allow: Option<&BTreeSet<String>>) -> Vec<ToolDefinition> {
        let allowed = self.listed().filter(|tool| allow.is_none_or(|allow| allow.contains(&tool.name)));
        let definition = |ListedTool { name, description, parameters, .. }: &ListedTool| ToolDefinition {
            name: name.clone(),
            description: description.clone(),
            parameters: parameters.clone(),
        };
        allowed.map(definition).collect()
    }

    /// What people are told of them, by name.
    pub fn listed(&self) -> impl Iterator<Item = &ListedTool> {
        self.tools.values().map(|tool| &tool.shown)
    }

    /// Names that several plugins claim: none of them has the tool, until the operator disables all but one.
    #[must_use]
    pub fn clashes(&self) -> &[Clash] {
        &self.clashes
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.get(name)
    }

    /// Why there is no tool of this name, and which one may be meant.
    pub(super) fn absence(&self, name: &str) -> String {
        let shown: String = name.chars().take(128).collect();
        if let Some(Clash { owners, .. }) = self.clashes.iter().find(|clash| clash.name == name) {
            let owners: Vec<_> = owners.iter().map(|o| format!("`{o}`")).collect();
            return format!("there is no tool `{shown}`: the plugins {} all claim that name, so none has it", owners.join(", "));
        }
        match self.nearest(&shown) {
            Some(nearest) => format!("there is no tool `{shown}`: did you mean `{nearest}`?"),
            None if self.tools.is_empty() => format!("there is no tool `{shown}`, and no other"),
            None => format!("there is no tool `{shown}`"),
        }
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        let likeness = |tool: &str| strsim::normalized_damerau_levenshtein(tool, name);
        let near = self.tools.keys().map(|tool| (likeness(tool), tool.as_str())).filter(|(likeness, _)| *likeness >= 0.5);
        near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, tool)| tool)
    }
}
