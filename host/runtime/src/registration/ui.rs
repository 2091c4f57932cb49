//! Where a page shows what of a plugin. Nothing of it is code: the host hands it on to who draws.

use super::{Registration, RegistrationError, Scope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// One thing that a page shows of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UiRegistration {
    /// Its id.
    pub id: String,
    /// Where it is shown.
    pub surface: UiSurface,
    /// Its name for people.
    pub label: String,
    /// What it is, for people.
    #[serde(default)]
    pub description: Option<String>,
    /// The name of an icon that the page has.
    #[serde(default)]
    pub icon: Option<String>,
    /// Lower stands first.
    #[serde(default)]
    pub order: i32,
    /// The namespace of the plugin's state of sessions that it shows.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The plugin's tools that it is about; only on the surface `tool`.
    #[serde(default)]
    pub tools: Vec<String>,
    /// The plugin's actions that it offers, in order.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Who sees it: who has all of these.
    #[serde(default = "read")]
    pub scopes: Vec<Scope>,
}

/// Everybody who may look.
fn read() -> Vec<Scope> {
    vec![Scope::Read]
}

/// Where a page shows something of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum UiSurface {
    Session,
    Tool,
    Run,
    Settings,
    Tab,
    Widget,
}

impl UiSurface {
    /// Its name in registrations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Tool => "tool",
            Self::Run => "run",
            Self::Settings => "settings",
            Self::Tab => "tab",
            Self::Widget => "widget",
        }
    }
}

impl fmt::Display for UiSurface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl UiRegistration {
    /// The scope of those who see it: it includes all others.
    #[must_use]
    pub fn needs(&self) -> Scope {
        Scope::highest(&self.scopes)
    }

    /// What it is about, and of which kind each is.
    fn about(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let actions = self.actions.iter().map(|action| ("action", action));
        let tools = self.tools.iter().map(|tool| ("tool", tool));
        actions.chain(tools).chain(self.namespace.iter().map(|namespace| ("namespace", namespace)))
    }
}

impl Registration {
    /// What pages show is named once, and is about what the plugin itself registers.
    pub(super) fn shows_its_own(&self) -> Result<(), RegistrationError> {
        let mut seen = BTreeSet::new();
        for said in &self.ui {
            if !seen.insert(&said.id) {
                return Err(RegistrationError::UiTwice(said.id.clone()));
            }
            if !said.tools.is_empty() && said.surface != UiSurface::Tool {
                return Err(RegistrationError::UiTools { ui: said.id.clone(), surface: said.surface });
            }
            if let Some((what, name)) = said.about().find(|(what, name)| !self.has(what, name)) {
                return Err(RegistrationError::UiUnknown { ui: said.id.clone(), what, name: name.clone() });
            }
        }
        Ok(())
    }

    /// Whether it registers something of this kind and name.
    fn has(&self, what: &str, name: &str) -> bool {
        match what {
            "action" => self.action(name).is_some(),
            "tool" => self.tools.iter().any(|tool| tool.name == name),
            _ => self.session_state.iter().any(|state| state.namespace == name),
        }
    }
}
