//! What stands in `#[plugin(…)]`.
//!
//! What it is for: the few facts that neither Cargo.toml nor the methods tell. What it costs: nothing at run time. How it fails: an unknown
//! name, a value twice or an unknown isolation is an error there.

use crate::json;
use proc_macro2::{Span, TokenStream};
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{LitStr, Result};

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
}

impl Arguments {
    /// Reads `id = "…", version = "…", isolation(…)`, in any order.
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
        } else {
            Err(meta.error("a plugin has `id = \"…\"`, `version = \"…\"` and `isolation(…)`"))
        }
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

    /// The modes as JSON, if they were said.
    pub(crate) fn isolation_json(&self) -> Option<String> {
        (!self.isolation.is_empty()).then(|| json::array(self.isolation.iter().map(|mode| json::string(mode))))
    }
}

/// Reads `= "…"` into an empty place.
fn put(place: &mut Option<LitStr>, meta: &ParseNestedMeta) -> Result<()> {
    if place.is_some() {
        return Err(meta.error("this stands here twice"));
    }
    *place = Some(meta.value()?.parse()?);
    Ok(())
}
