//! What people can have a plugin do: its actions and its commands.

use super::{Registration, RegistrationError, Scope};
use crate::hook::Hook;
use crate::hooks::{Commands, SessionActions};
use crate::schema::{self, Taken};
use crate::surface::Surface;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActionRegistration {
    /// Its id.
    pub id: String,
    /// Its name for people, as on a button.
    pub title: String,
    /// What it does, for people.
    #[serde(default)]
    pub description: Option<String>,
    /// The JSON Schema of its parameters, without references. Nothing: it takes none.
    #[serde(default)]
    pub params: Option<Value>,
    /// What a caller needs, all of these.
    #[serde(default = "write")]
    pub scopes: Vec<Scope>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CommandRegistration {
    /// Its name, without the slash.
    pub name: String,
    /// What it does, in a line.
    pub description: String,
    /// What stands behind it, in words. Nothing: it takes nothing.
    #[serde(default)]
    pub args: Option<String>,
    /// What a caller needs, all of these.
    #[serde(default = "write")]
    pub scopes: Vec<Scope>,
}

fn write() -> Vec<Scope> {
    vec![Scope::Write]
}

impl ActionRegistration {
    /// The scope that a caller needs: it includes all others.
    #[must_use]
    pub fn needs(&self) -> Scope {
        Scope::highest(&self.scopes)
    }
}

impl CommandRegistration {
    /// The scope that a caller needs: it includes all others.
    #[must_use]
    pub fn needs(&self) -> Scope {
        Scope::highest(&self.scopes)
    }
}

impl Registration {
    /// The action with this id.
    #[must_use]
    pub fn action(&self, id: &str) -> Option<&ActionRegistration> {
        self.actions.iter().find(|action| action.id == id)
    }

    /// The command of this name.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&CommandRegistration> {
        self.commands.iter().find(|command| command.name == name)
    }

    /// Actions are named once, and exactly if they can be done; their schemas become plain trees.
    pub(super) fn expand_actions(&mut self, surface: &Surface) -> Result<(), RegistrationError> {
        match (self.actions.len(), surface.exports.contains(SessionActions::NAME)) {
            (0, true) => return Err(RegistrationError::NoActions),
            (some @ 1.., false) => return Err(RegistrationError::ActionsNotExported(some)),
            _ => {}
        }
        let (mut seen, mut taken) = (BTreeSet::new(), Taken::default());
        for ActionRegistration { id, params, .. } in &mut self.actions {
            if !seen.insert(&*id) {
                return Err(RegistrationError::ActionTwice(id.clone()));
            }
            if let Some(params) = params {
                let expanded = parameters(params, &mut taken);
                *params = expanded.map_err(|problem| RegistrationError::ActionParams { action: id.clone(), problem })?;
            }
        }
        Ok(())
    }

    /// Commands are named once, and exactly if they can be given.
    pub(super) fn names_commands_once(&self, surface: &Surface) -> Result<(), RegistrationError> {
        match (self.commands.len(), surface.exports.contains(Commands::NAME)) {
            (0, true) => return Err(RegistrationError::NoCommands),
            (some @ 1.., false) => return Err(RegistrationError::CommandsNotExported(some)),
            _ => {}
        }
        let mut seen = BTreeSet::new();
        match self.commands.iter().find(|said| !seen.insert(&said.name)) {
            Some(twice) => Err(RegistrationError::CommandTwice(twice.name.clone())),
            None => Ok(()),
        }
    }
}

/// A schema of parameters, as a plain tree.
fn parameters(schema: &Value, taken: &mut Taken) -> Result<Value, String> {
    let expanded = schema::expand_beside(schema, taken)?;
    schema::compile(&expanded)?;
    Ok(expanded)
}
