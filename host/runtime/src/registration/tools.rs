//! The tools of a plugin.

use super::{Registration, RegistrationError};
use crate::hook::Hook;
use crate::hooks::Tools;
use crate::schema::{self, Taken};
use crate::surface::Surface;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ToolRegistration {
    /// Its name, as the model knows it.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments, an object, without references.
    pub parameters: Value,
    /// Its name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// How much harm a wrong call can do, if the plugin says.
    #[serde(default)]
    pub risk: Option<Risk>,
    /// What it is about.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// How much harm a wrong call of a tool can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Risk {
    Low,
    Medium,
    High,
}

impl Registration {
    /// Tools are named once, and exactly if they can be called; their schemas become plain trees.
    pub(super) fn expand_tools(&mut self, surface: &Surface) -> Result<(), RegistrationError> {
        match (self.tools.len(), surface.exports.contains(Tools::NAME)) {
            (0, true) => return Err(RegistrationError::NoTools),
            (some @ 1.., false) => return Err(RegistrationError::ToolsNotExported(some)),
            _ => {}
        }
        let (mut seen, mut taken) = (BTreeSet::new(), Taken::default());
        for ToolRegistration { name, parameters, .. } in &mut self.tools {
            if !seen.insert(&*name) {
                return Err(RegistrationError::ToolTwice(name.clone()));
            }
            let expanded = arguments(parameters, &mut taken);
            *parameters = expanded.map_err(|problem| RegistrationError::Parameters { tool: name.clone(), problem })?;
        }
        Ok(())
    }
}

/// A schema of arguments, as a plain tree.
fn arguments(schema: &Value, taken: &mut Taken) -> Result<Value, String> {
    let expanded = schema::expand_beside(schema, taken)?;
    if expanded.get("type").and_then(Value::as_str) != Some("object") {
        return Err("its `type` isn't `object`".to_owned());
    }
    schema::compile(&expanded)?;
    Ok(expanded)
}
