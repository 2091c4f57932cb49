//! What stands in `#[hook(…)]` on a method.
//!
//! What it is for: priority, budget and matcher of a hook. What it costs: nothing at run time. How it fails: what
//! `wit/registration.schema.json` wouldn't take is an error at the value, naming the bound.

use super::texts::{Words, words};
use crate::json;
use crate::table::{Narrowing, Row};
use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitInt, Result, Token};

/// The options of one hook, read.
#[derive(Debug, Default)]
pub(crate) struct Options {
    priority: Option<i64>,
    budget_ms: Option<i64>,
    tools: Vec<String>,
    topics: Vec<String>,
}

/// What `tools(…)` takes, as the registration's schema has it.
const TOOLS: Words = Words { what: "tool", list: "tools", length: 128, most: 256, refused: check_tool };
/// The same for `topics(…)`.
const TOPICS: Words = Words { what: "topic", list: "topics", length: 128, most: 64, refused: check_topic };

impl Options {
    /// Reads all `#[hook(…)]` of a method.
    pub(crate) fn parse(attributes: &[Attribute], row: &Row) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("hook")) {
            if !row.is_hook() {
                return Err(Error::new_spanned(attribute, format!("`{}` is no hook, so it has no options", row.method)));
            }
            attribute.parse_nested_meta(|meta| options.take(&meta, row))?;
        }
        Ok(options)
    }

    fn take(&mut self, meta: &ParseNestedMeta, row: &Row) -> Result<()> {
        if meta.path.is_ident("priority") {
            if row.is_engine() {
                return Err(meta.error(format!("`{}` is asked of the one engine that serves, so there is no order", row.interface)));
            }
            number(&mut self.priority, meta, -1_000_000, 1_000_000)
        } else if meta.path.is_ident("budget_ms") {
            number(&mut self.budget_ms, meta, 1, 600_000)
        } else if meta.path.is_ident("tools") {
            if row.narrowing != Narrowing::Tools {
                return Err(meta.error(format!("`{}` isn't about a tool, so it can't be limited to some", row.interface)));
            }
            words(&mut self.tools, meta, &TOOLS)
        } else if meta.path.is_ident("topics") {
            if row.narrowing != Narrowing::Topics {
                return Err(meta.error(format!("`{}` isn't about events of a topic, so it can't be limited to some", row.interface)));
            }
            words(&mut self.topics, meta, &TOPICS)
        } else {
            Err(meta.error("a hook has `priority = 10`, `budget_ms = 500`, `tools(\"name\", …)` and `topics(\"name\", …)`"))
        }
    }

    /// The hook's entry in `describe`, if it isn't all defaults.
    pub(crate) fn json(&self, interface: &str) -> Option<String> {
        let mut members = vec![("hook", json::string(interface))];
        members.extend(self.priority.map(|priority| ("priority", priority.to_string())));
        members.extend(self.budget_ms.map(|budget| ("budget-ms", budget.to_string())));
        for (name, words) in [("tools", &self.tools), ("topics", &self.topics)] {
            if !words.is_empty() {
                members.push((name, json::array(words.iter().map(|word| json::string(word)))));
            }
        }
        (members.len() > 1).then(|| json::object(members))
    }
}

/// Reads `= number` into an empty place.
pub(super) fn number(place: &mut Option<i64>, meta: &ParseNestedMeta, least: i64, most: i64) -> Result<()> {
    if place.is_some() {
        return Err(meta.error("this stands here twice"));
    }
    let value = meta.value()?;
    let span: Span = value.span();
    let negative = value.parse::<Option<Token![-]>>()?.is_some();
    let number: i64 = value.parse::<LitInt>()?.base10_parse()?;
    let number = if negative { -number } else { number };
    if !(least..=most).contains(&number) {
        return Err(Error::new(span, format!("from {least} to {most}")));
    }
    *place = Some(number);
    Ok(())
}

/// Why a name can't be a tool's.
fn check_tool(name: &str) -> Option<&'static str> {
    is_pattern(name).then_some("a tool's name has no spaces, `*` or `?`: there are no patterns, each tool is named in full")
}

/// Why a name can't be a topic's.
fn check_topic(name: &str) -> Option<&'static str> {
    is_pattern(name).then_some("a topic has no spaces, `*` or `?`: there are no patterns, each topic is named in full")
}

fn is_pattern(name: &str) -> bool {
    name.contains(|character: char| character.is_whitespace() || matches!(character, '*' | '?'))
}
