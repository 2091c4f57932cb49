//! A context engine: the methods that make one, and what `context_engine(…)` says of it.
//!
//! What it is for: whoever has one of an engine's methods has the three that there has to be, and what the host wants to know of it stands in `describe`. What
//! it costs: nothing at run time. How it fails: half an engine is an error at its first method, with what is missing; a wrong option one at the option.

use super::Plugin;
use super::method::expected;
use crate::json;
use crate::table::{self, ENGINE};
use syn::meta::ParseNestedMeta;
use syn::{Error, LitStr, Result};

/// What an engine's `maintenance` may be, as `wit/registration.schema.json` has it; the first if not said.
const MAINTENANCE: [&str; 2] = ["background", "foreground"];

/// What stands in `context_engine(…)`.
#[derive(Default)]
pub(crate) struct EngineOptions {
    /// Whether nobody but the engine decides when a conversation is made smaller.
    owns_compaction: bool,
    /// Whether anybody waits for its maintenance after a turn.
    maintenance: Option<&'static str>,
}

impl EngineOptions {
    /// Reads `(owns_compaction, maintenance = "foreground")`, in any order.
    pub(crate) fn parse(meta: &ParseNestedMeta) -> Result<Self> {
        let mut options = Self::default();
        meta.parse_nested_meta(|option| options.take(&option))?;
        Ok(options)
    }

    fn take(&mut self, option: &ParseNestedMeta) -> Result<()> {
        let twice = || option.error("this stands here twice");
        if option.path.is_ident("owns_compaction") {
            if std::mem::replace(&mut self.owns_compaction, true) { Err(twice()) } else { Ok(()) }
        } else if option.path.is_ident("maintenance") {
            let word: LitStr = option.value()?.parse()?;
            let known = MAINTENANCE.into_iter().find(|known| *known == word.value());
            let known = known.ok_or_else(|| Error::new(word.span(), format!("maintenance is one of {}", MAINTENANCE.join(", "))))?;
            if self.maintenance.replace(known).is_some() { Err(twice()) } else { Ok(()) }
        } else {
            Err(option.error("a context engine has `owns_compaction` and `maintenance = \"foreground\"`"))
        }
    }

    fn json(&self) -> String {
        let maintenance = self.maintenance.unwrap_or(MAINTENANCE[0]);
        json::object([("owns-compaction", self.owns_compaction.to_string()), ("maintenance", json::string(maintenance))])
    }
}

/// An engine is whole, and only an engine has an engine's options.
pub(crate) fn check(plugin: &Plugin) -> Result<()> {
    let first = plugin.methods.iter().find(|method| method.row.is_engine()).map(|method| method.name.span());
    let Some(place) = first.or(plugin.arguments.context_engine.as_ref().map(|(_, place)| *place)) else { return Ok(()) };
    let missing: Vec<String> = table::TABLE
        .iter()
        .filter(|row| ENGINE.contains(&row.interface) && !plugin.methods.iter().any(|method| method.row.interface == row.interface))
        .map(|row| format!("`{}`", expected(row)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let text = "a context engine has `context_ingest`, `context_assemble` and `context_compact`; missing:";
    Err(Error::new(place, format!("{text} {}", missing.join(", "))))
}

/// What `describe` says of the engine, if the plugin is one.
pub(crate) fn json(plugin: &Plugin) -> Option<String> {
    let engine = plugin.methods.iter().any(|method| method.row.is_engine());
    engine.then(|| plugin.arguments.context_engine.as_ref().map_or_else(|| EngineOptions::default().json(), |(options, _)| options.json()))
}
