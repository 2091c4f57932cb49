//! What people can have plugins do, as it is at one moment: actions, commands, and where a page shows them.
//!
//! A set holds each plugin's generation as it was, so what is called is what was looked up. It costs what registrations say; a schema is compiled when its action is first called, once for each
//! generation. A command that two plugins claim, or that the host has itself, is nobody's, and the set says so.

use crate::tools::Clash;
use plugbay_runtime::{ActionRegistration, CommandRegistration, Pinned, PluginId, Plugins, Schema, Scope, UiRegistration};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// Commands that the host has itself, wherever people talk with an agent.
pub const RESERVED_COMMANDS: [&str; 6] = ["compact", "help", "plugins", "quit", "reset", "session"];

/// The actions, commands and descriptors of one moment.
#[derive(Default)]
pub struct ActionSet {
    actions: BTreeMap<(String, String), Arc<Action>>,
    commands: BTreeMap<String, Arc<Command>>,
    clashes: Vec<Clash>,
    ui: Vec<ListedUi>,
}

/// An action of a generation that is held.
pub(super) struct Action {
    pub(super) shown: ListedAction,
    pub(super) pinned: Pinned,
    schema: OnceLock<Result<Schema, String>>,
}

/// A command of a generation that is held.
pub(super) struct Command {
    pub(super) shown: ListedCommand,
    pub(super) pinned: Pinned,
}

/// An action, as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedAction {
    /// The plugin that it is of.
    pub plugin: PluginId,
    /// The plugin's generation.
    pub generation: u64,
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it does.
    pub description: Option<String>,
    /// The JSON Schema of its parameters; none: it takes none.
    pub params: Option<Value>,
    /// What a caller needs.
    pub scope: Scope,
}

/// A command, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedCommand {
    /// The plugin that it is of.
    pub plugin: PluginId,
    /// The plugin's generation.
    pub generation: u64,
    /// Its name, without the slash.
    pub name: String,
    /// What it does, in a line.
    pub description: String,
    /// What stands behind it; none: it takes nothing.
    pub args: Option<String>,
    /// What a caller needs.
    pub scope: Scope,
}

/// Where a page shows what of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedUi {
    /// The plugin that it is of.
    pub plugin: PluginId,
    /// The plugin's generation.
    pub generation: u64,
    /// What it says.
    #[serde(flatten)]
    pub shown: UiRegistration,
    /// What somebody needs to see it.
    pub scope: Scope,
}

impl Action {
    fn new(pinned: &Pinned, registered: &ActionRegistration) -> Self {
        let (plugin, generation) = owner(pinned);
        let scope = registered.needs();
        let ActionRegistration { id, title, description, params, .. } = registered.clone();
        let shown = ListedAction { plugin, generation, id, title, description, params, scope };
        Self { shown, pinned: pinned.clone(), schema: OnceLock::new() }
    }

    /// Whether it takes these parameters.
    ///
    /// # Errors
    /// The place that it doesn't take, and why.
    pub(super) fn takes(&self, params: &Value) -> Result<(), String> {
        let Some(schema) = &self.shown.params else { return Err("it takes none".to_owned()) };
        let compiled = self.schema.get_or_init(|| Schema::compile(schema));
        compiled.as_ref().map_err(Clone::clone)?.check(params)
    }
}

fn owner(pinned: &Pinned) -> (PluginId, u64) {
    let generation = pinned.generation();
    (generation.manifest().id.clone(), generation.number())
}

impl Command {
    fn new(pinned: &Pinned, registered: &CommandRegistration) -> Self {
        let (plugin, generation) = owner(pinned);
        let scope = registered.needs();
        let CommandRegistration { name, description, args, .. } = registered.clone();
        Self { shown: ListedCommand { plugin, generation, name, description, args, scope }, pinned: pinned.clone() }
    }
}

impl ActionSet {
    /// Those of all plugins that serve now. An action of the same generation as in an earlier set is taken from there.
    pub(super) fn gather(plugins: &Plugins, earlier: &Self) -> Self {
        let (mut set, mut claims) = (Self::default(), BTreeMap::<String, Vec<Arc<Command>>>::new());
        for pinned in plugins.all().iter().filter_map(|plugin| plugin.pin()) {
            let (plugin, generation) = owner(&pinned);
            let registration = pinned.generation().registration();
            for registered in &registration.actions {
                let name = (plugin.to_string(), registered.id.clone());
                let same = earlier.actions.get(&name).filter(|action| action.shown.generation == generation).cloned();
                set.actions.insert(name, same.unwrap_or_else(|| Arc::new(Action::new(&pinned, registered))));
            }
            for registered in &registration.commands {
                claims.entry(registered.name.clone()).or_default().push(Arc::new(Command::new(&pinned, registered)));
            }
            let ui = |shown: &UiRegistration| ListedUi { plugin: plugin.clone(), generation, scope: shown.needs(), shown: shown.clone() };
            set.ui.extend(registration.ui.iter().map(ui));
        }
        set.ui.sort_by(|a, b| (a.shown.order, &a.plugin, &a.shown.id).cmp(&(b.shown.order, &b.plugin, &b.shown.id)));
        set.settle(claims);
        set
    }

    /// A command is its only owner's.
    fn settle(&mut self, claims: BTreeMap<String, Vec<Arc<Command>>>) {
        for (name, mut claimed) in claims {
            match claimed.pop() {
                Some(only) if claimed.is_empty() && !RESERVED_COMMANDS.contains(&name.as_str()) => drop(self.commands.insert(name, only)),
                last => {
                    let owners: BTreeSet<_> = claimed.into_iter().chain(last).map(|command| command.shown.plugin.clone()).collect();
                    self.clashes.push(Clash { name, owners: owners.into_iter().collect() });
                }
            }
        }
    }

    /// The actions, by plugin and id.
    pub fn actions(&self) -> impl Iterator<Item = &ListedAction> {
        self.actions.values().map(|action| &action.shown)
    }

    /// The commands, by name.
    pub fn commands(&self) -> impl Iterator<Item = &ListedCommand> {
        self.commands.values().map(|command| &command.shown)
    }

    /// Commands that several plugins claim, or that the host has itself: no plugin has them.
    #[must_use]
    pub fn clashes(&self) -> &[Clash] {
        &self.clashes
    }

    /// Where a page shows what, in order.
    #[must_use]
    pub fn ui(&self) -> &[ListedUi] {
        &self.ui
    }

    pub(super) fn action(&self, plugin: &str, id: &str) -> Option<&Arc<Action>> {
        self.actions.get(&(plugin.to_owned(), id.to_owned()))
    }

    pub(super) fn of_plugin(&self, plugin: &str) -> Vec<&str> {
        self.actions().filter(|action| action.plugin.as_str() == plugin).map(|action| action.id.as_str()).collect()
    }

    pub(super) fn command(&self, name: &str) -> Option<&Arc<Command>> {
        self.commands.get(name)
    }

    /// Why there is no command of this name.
    pub(super) fn absence(&self, name: &str) -> String {
        let shown: String = name.chars().take(128).collect();
        if let Some(Clash { owners, .. }) = self.clashes.iter().find(|clash| clash.name == name) {
            let owners: Vec<_> = owners.iter().map(|owner| format!("`{owner}`")).collect();
            let why = if RESERVED_COMMANDS.contains(&name) { "the host has it itself" } else { "each of them claims it, so none has it" };
            return format!("no plugin has the command `{shown}`: {} {why}", owners.join(", "));
        }
        let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, name);
        let near = self.commands.keys().map(|known| (likeness(known), known)).filter(|(likeness, _)| *likeness >= 0.5);
        match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, nearest)) => format!("no plugin has a command `{shown}`: did you mean `{nearest}`?"),
            None => format!("no plugin has a command `{shown}`"),
        }
    }
}
