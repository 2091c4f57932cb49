//! What `ui(…)` says: where a page shows what of the plugin.
//!
//! What it is for: whoever draws a page learns from `describe` what there is to draw; nothing of it is code. What it costs: nothing at run time. How it
//! fails: a surface that there isn't, or an action, a tool or a namespace that the plugin hasn't, is an error at that word.

use super::Plugin;
use super::options::number;
use super::texts::{SCOPES, Words, bounded, literals, put, text, words};
use crate::json;
use crate::offers::Naming;
use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Error, LitStr, Result};

/// Where something can be shown, as `wit/registration.schema.json` has it.
const SURFACES: [&str; 6] = ["session", "tool", "run", "settings", "tab", "widget"];

/// What `actions(…)` and `tools(…)` take; whether the plugin has them is seen later.
const ACTIONS: Words = Words { what: "action", list: "actions", length: 64, most: 128, refused: |_| None };
const TOOLS: Words = Words { what: "tool", list: "tools", length: 64, most: 128, refused: |_| None };

/// What can be said.
const OPTIONS: &str =
    "`ui` has `id`, `surface`, `label`, and may have `description`, `icon`, `order`, `namespace`, `tools(…)`, `actions(…)` and `scopes(…)`";

/// One thing to show.
pub(crate) struct Shown {
    place: Span,
    id: Option<LitStr>,
    surface: Option<LitStr>,
    label: Option<String>,
    description: Option<String>,
    icon: Option<LitStr>,
    order: Option<i64>,
    namespace: Option<LitStr>,
    tools: Vec<LitStr>,
    actions: Vec<LitStr>,
    scopes: Vec<String>,
}

impl Shown {
    /// Reads `(id = "…", surface = "…", label = "…", …)`, in any order.
    pub(crate) fn parse(meta: &ParseNestedMeta) -> Result<Self> {
        let mut shown = Self {
            place: meta.path.span(),
            id: None,
            surface: None,
            label: None,
            description: None,
            icon: None,
            order: None,
            namespace: None,
            tools: Vec::new(),
            actions: Vec::new(),
            scopes: Vec::new(),
        };
        meta.parse_nested_meta(|option| shown.take(&option))?;
        shown.check()?;
        Ok(shown)
    }

    fn take(&mut self, option: &ParseNestedMeta) -> Result<()> {
        let name = option.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "id" => put(&mut self.id, option),
            "surface" => put(&mut self.surface, option),
            "label" => text(&mut self.label, option, 80),
            "description" => text(&mut self.description, option, 4_096),
            "icon" => put(&mut self.icon, option),
            "order" => number(&mut self.order, option, -1_000_000, 1_000_000),
            "namespace" => put(&mut self.namespace, option),
            "tools" => named(&mut self.tools, option, &TOOLS),
            "actions" => named(&mut self.actions, option, &ACTIONS),
            "scopes" => words(&mut self.scopes, option, &SCOPES),
            _ => Err(option.error(OPTIONS)),
        }
    }

    /// What can be seen without the rest of the plugin.
    fn check(&self) -> Result<()> {
        let missing = [("id", self.id.is_none()), ("surface", self.surface.is_none()), ("label", self.label.is_none())];
        if let Some((name, _)) = missing.into_iter().find(|(_, missing)| *missing) {
            return Err(Error::new(self.place, format!("{OPTIONS}; `{name}` is missing")));
        }
        for (what, word) in [("id", &self.id), ("icon", &self.icon)] {
            let Some(word) = word else { continue };
            if let Some(takes) = Naming::Id.refused(&word.value()) {
                return Err(Error::new(word.span(), format!("{:?} is no {what}: {takes}", word.value())));
            }
        }
        let Some(surface) = &self.surface else { return Ok(()) };
        if !SURFACES.contains(&surface.value().as_str()) {
            return Err(Error::new(surface.span(), format!("no such surface; there are {}", SURFACES.join(", "))));
        }
        match self.tools.first() {
            Some(tool) if surface.value() != "tool" => {
                Err(Error::new(tool.span(), "only what is shown on the surface `tool` is about tools"))
            }
            _ => Ok(()),
        }
    }

    fn json(&self) -> String {
        let list = |all: Vec<String>| (!all.is_empty()).then(|| json::array(all.iter().map(|word| json::string(word))));
        let values = |all: &[LitStr]| list(all.iter().map(LitStr::value).collect());
        let string = |word: &Option<LitStr>| word.as_ref().map(|word| json::string(&word.value()));
        let text = |text: &Option<String>| text.as_ref().map(|text| json::string(text));
        let members = [
            ("id", string(&self.id)),
            ("surface", string(&self.surface)),
            ("label", text(&self.label)),
            ("description", text(&self.description)),
            ("icon", string(&self.icon)),
            ("order", self.order.map(|order| order.to_string())),
            ("namespace", string(&self.namespace)),
            ("tools", values(&self.tools)),
            ("actions", values(&self.actions)),
            ("scopes", list(self.scopes.clone())),
        ];
        json::object(members.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))))
    }
}

/// Reads names into an empty list.
fn named(place: &mut Vec<LitStr>, option: &ParseNestedMeta, bounds: &Words) -> Result<()> {
    if !place.is_empty() {
        return Err(option.error("this stands here twice"));
    }
    *place = literals(option, bounds, &[])?;
    place.iter().try_for_each(|name| bounded(name, bounds.length).map(drop))
}

/// Each has an id of its own, and shows what the plugin has.
pub(crate) fn check(plugin: &Plugin) -> Result<()> {
    let has = |list: &str, name: &str| plugin.offered.iter().any(|offered| offered.offer.list == list && offered.name == name);
    let all = &plugin.arguments.ui;
    for (at, shown) in all.iter().enumerate() {
        let earlier = |id: &LitStr| all.iter().take(at).any(|other| other.id.as_ref().is_some_and(|known| known.value() == id.value()));
        if let Some(id) = shown.id.as_ref().filter(|id| earlier(id)) {
            return Err(Error::new(id.span(), format!("two of `ui` have the id `{}`", id.value())));
        }
        for (word, list, names) in [("action", "actions", &shown.actions), ("tool", "tools", &shown.tools)] {
            if let Some(name) = names.iter().find(|name| !has(list, &name.value())) {
                return Err(Error::new(name.span(), format!("this plugin has no {word} `{}`: {}", name.value(), there_are(plugin, list))));
            }
        }
        let known = |name: &LitStr| plugin.arguments.session_state.iter().any(|(known, _)| *known == name.value());
        if let Some(name) = shown.namespace.as_ref().filter(|name| !known(name)) {
            let text = format!("this plugin has no namespace `{0}`: name it with `session_state({0:?} = \"what it holds\")`", name.value());
            return Err(Error::new(name.span(), text));
        }
    }
    if all.len() > 64 { Err(Error::new(Span::call_site(), "64 of `ui` at most")) } else { Ok(()) }
}

/// The names that would have done.
fn there_are(plugin: &Plugin, list: &str) -> String {
    let names: Vec<String> =
        plugin.offered.iter().filter(|offered| offered.offer.list == list).map(|offered| format!("`{}`", offered.name)).collect();
    if names.is_empty() { format!("it has no {list} at all") } else { format!("it has {}", names.join(", ")) }
}

/// What `describe` says, if anything is shown.
pub(crate) fn json(plugin: &Plugin) -> Option<String> {
    let all = &plugin.arguments.ui;
    (!all.is_empty()).then(|| json::array(all.iter().map(Shown::json)))
}
