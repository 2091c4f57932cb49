//! What stands in `#[hook(…)]` on a method.
//!
//! What it is for: priority, budget and tool matcher of a hook. What it costs: nothing at run time. How it fails: what
//! `wit/registration.schema.json` wouldn't take is an error at the value, naming the bound.

use crate::json;
use crate::table::Row;
use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitInt, LitStr, Result, Token};

/// The options of one hook, read.
#[derive(Debug, Default)]
pub(crate) struct Options {
    priority: Option<i64>,
    budget_ms: Option<i64>,
    tools: Vec<String>,
}

impl Options {
    /// Reads all `#[hook(…)]` of a method.
    pub(crate) fn parse(attributes: &[Attribute], row: &Row) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("hook")) {
            if !row.kind.is_hook() {
                return Err(Error::new_spanned(attribute, format!("`{}` is no hook, so it has no options", row.method)));
            }
            attribute.parse_nested_meta(|meta| options.take(&meta, row))?;
        }
        Ok(options)
    }

    fn take(&mut self, meta: &ParseNestedMeta, row: &Row) -> Result<()> {
        if meta.path.is_ident("priority") {
            put(&mut self.priority, meta, -1_000_000, 1_000_000)
        } else if meta.path.is_ident("budget_ms") {
            put(&mut self.budget_ms, meta, 1, 600_000)
        } else if meta.path.is_ident("tools") {
            if !row.kind.takes_tools() {
                return Err(meta.error(format!("`{}` isn't about a tool, so it can't be limited to some", row.interface)));
            }
            self.take_tools(meta)
        } else {
            Err(meta.error("a hook has `priority = 10`, `budget_ms = 500` and `tools(\"name\", …)`"))
        }
    }

    fn take_tools(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        let list;
        syn::parenthesized!(list in meta.input);
        for name in Punctuated::<LitStr, Token![,]>::parse_terminated(&list)? {
            let text = name.value();
            check_tool(&text, &self.tools).map_err(|why| Error::new(name.span(), why))?;
            self.tools.push(text);
        }
        if self.tools.is_empty() { Err(meta.error("no tool at all; leave `tools` out to mean every tool")) } else { Ok(()) }
    }

    /// The hook's entry in `describe`, if it isn't all defaults.
    pub(crate) fn json(&self, interface: &str) -> Option<String> {
        let mut members = vec![("hook", json::string(interface))];
        members.extend(self.priority.map(|priority| ("priority", priority.to_string())));
        members.extend(self.budget_ms.map(|budget| ("budget-ms", budget.to_string())));
        if !self.tools.is_empty() {
            members.push(("tools", json::array(self.tools.iter().map(|tool| json::string(tool)))));
        }
        (members.len() > 1).then(|| json::object(members))
    }
}

/// Reads `= number` into an empty place.
fn put(place: &mut Option<i64>, meta: &ParseNestedMeta, least: i64, most: i64) -> Result<()> {
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

/// A tool's name, as the registration's schema has it.
fn check_tool(name: &str, earlier: &[String]) -> std::result::Result<(), String> {
    if name.is_empty() || name.chars().count() > 128 {
        return Err("a tool's name has 1 to 128 characters".into());
    }
    if name.contains(|character: char| character.is_whitespace() || matches!(character, '*' | '?')) {
        return Err("a tool's name has no spaces, `*` or `?`: there are no patterns, each tool is named in full".into());
    }
    if earlier.iter().any(|known| known == name) {
        return Err(format!("`{name}` stands here twice"));
    }
    if earlier.len() == 256 {
        return Err("256 tools at most; leave `tools` out to mean every tool".into());
    }
    Ok(())
}
