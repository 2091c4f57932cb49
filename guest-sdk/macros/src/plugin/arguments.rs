//! What stands in `#[plugin(…)]`.
//!
//! What it is for: the few facts that neither Cargo.toml nor the methods tell. What it costs: nothing at run time. How it fails: an unknown
//! name, a value twice or an unknown isolation is an error there.

use super::engine::EngineOptions;
use super::texts::{bounded, put};
use super::ui::Shown;
use crate::json;
use proc_macro2::{Ident, Span, TokenStream};
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Error, LitStr, Result, Token};

/// How the code may be kept, as `wit/registration.schema.json` has it.
const ISOLATIONS: [&str; 4] = ["shared", "pool", "session", "call"];

/// The arguments, read.
#[derive(Default)]
pub(crate) struct Arguments {
    /// Instead of the crate's name.
    pub(crate) id: Option<LitStr>,
    /// Instead of the crate's version.
    pub(crate) version: Option<LitStr>,
    /// Which ways of keeping it the code bears; empty if not said.
    pub(crate) isolation: Vec<&'static str>,
    /// The namespaces of the state that it keeps about sessions, and what each holds.
    pub(crate) session_state: Vec<(String, String)>,
    /// What is said of the context engine, and where.
    pub(crate) context_engine: Option<(EngineOptions, Span)>,
    /// What a page shows of the plugin.
    pub(crate) ui: Vec<Shown>,
}

impl Arguments {
    /// Reads `id = "…", version = "…", isolation(…), session_state(…), context_engine(…), ui(…)`, in any order.
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut arguments = Self::default();
        syn::meta::parser(|meta| arguments.take(&meta)).parse2(tokens)?;
        Ok(arguments)
    }

    fn take(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        if meta.path.is_ident("id") {
            put(&mut self.id, meta)
        } else if meta.path.is_ident("version") {
            put(&mut self.version, meta)
        } else if meta.path.is_ident("isolation") {
            meta.parse_nested_meta(|mode| self.take_isolation(&mode))
        } else if meta.path.is_ident("session_state") {
            self.take_session_state(meta)
        } else if meta.path.is_ident("context_engine") {
            self.take_context_engine(meta)
        } else if meta.path.is_ident("ui") {
            self.ui.push(Shown::parse(meta)?);
            Ok(())
        } else {
            Err(meta.error(
                "a plugin has `id = \"…\"`, `version = \"…\"`, `isolation(…)`, `session_state(name = \"what it holds\", …)`, `context_engine(…)` and `ui(…)`",
            ))
        }
    }

    fn take_context_engine(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        if self.context_engine.is_some() {
            return Err(meta.error("this stands here twice"));
        }
        self.context_engine = Some((EngineOptions::parse(meta)?, meta.path.span()));
        Ok(())
    }

    /// Reads `(name = "what it holds", …)`; a name that is no Rust name stands in quotes.
    fn take_session_state(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        let list;
        syn::parenthesized!(list in meta.input);
        while !list.is_empty() {
            let name = if list.peek(LitStr) { list.parse()? } else { named(&list.parse()?) };
            list.parse::<Token![=]>()?;
            let description = bounded(&list.parse()?, 4_096)?;
            let text = name.value();
            if let Some(why) = self.refused_namespace(&text) {
                return Err(Error::new(name.span(), why));
            }
            self.session_state.push((text, description));
            if !list.is_empty() {
                list.parse::<Token![,]>()?;
            }
        }
        if self.session_state.is_empty() { Err(meta.error("no namespace at all; leave `session_state` out")) } else { Ok(()) }
    }

    /// Why a name can't be one more namespace.
    fn refused_namespace(&self, name: &str) -> Option<String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let good = name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.len() <= 128 && name.bytes().all(plain);
        if !good {
            return Some(format!("{name:?} is no namespace: a letter or digit, then up to 127 letters, digits, `.`, `_` and `-`"));
        }
        if self.session_state.iter().any(|(known, _)| known == name) {
            return Some(format!("`{name}` stands here twice"));
        }
        (self.session_state.len() == 32).then(|| "32 namespaces at most".into())
    }

    fn take_isolation(&mut self, mode: &ParseNestedMeta) -> Result<()> {
        let Some(known) = ISOLATIONS.into_iter().find(|known| mode.path.is_ident(known)) else {
            return Err(mode.error(format!("no such isolation; there are {}", ISOLATIONS.join(", "))));
        };
        if self.isolation.contains(&known) {
            return Err(mode.error(format!("`{known}` stands here twice")));
        }
        self.isolation.push(known);
        Ok(())
    }

    /// Where to show what is wrong with the manifest.
    pub(crate) fn place(&self) -> Option<Span> {
        self.id.as_ref().or(self.version.as_ref()).map(LitStr::span)
    }

    /// The namespaces as JSON, if there are any.
    pub(crate) fn session_state_json(&self) -> Option<String> {
        let entry = |(namespace, description): &(String, String)| {
            json::object([("namespace", json::string(namespace)), ("description", json::string(description))])
        };
        (!self.session_state.is_empty()).then(|| json::array(self.session_state.iter().map(entry)))
    }

    /// The modes as JSON, if they were said.
    pub(crate) fn isolation_json(&self) -> Option<String> {
        (!self.isolation.is_empty()).then(|| json::array(self.isolation.iter().map(|mode| json::string(mode))))
    }
}

/// A Rust name as a text.
fn named(name: &Ident) -> LitStr {
    LitStr::new(&name.to_string(), name.span())
}
