//! Slots: what only one plugin can do. The file gives them in `[slots]` or with the plugin; two that differ are refused, both named.
//!
//! Costs a walk over the plugins of the file.

use super::error::Report;
use super::form::BUILTIN;
use super::node::{Entry, entries};
use super::plugins::Plugins;
use super::sections::Slots;
use plugbay_runtime::PluginId;
use std::ops::Range;
use toml::de::DeTable;

/// Something that one plugin does for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Decides what the model sees of a conversation.
    ContextEngine,
}

/// The slots, by name.
pub(crate) const SLOTS: &[(&str, Slot)] = &[("context-engine", Slot::ContextEngine)];

impl Slot {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContextEngine => "context-engine",
        }
    }

    fn named(name: &str) -> Option<Self> {
        SLOTS.iter().find(|(known, _)| *known == name).map(|(_, slot)| *slot)
    }
}

/// Somebody who is said to hold a slot, and where.
struct Claim<'a> {
    slot: Slot,
    holder: &'a str,
    path: String,
    at: Range<usize>,
}

/// Gives each slot to the one that is said to hold it, in both places of the configuration.
pub(crate) fn settle(tree: &DeTable<'_>, slots: &mut Slots, plugins: &mut Plugins, report: &mut Report<'_>) {
    let claims = claims(tree);
    for (n, claim) in claims.iter().enumerate() {
        let first = claims.iter().take(n).find(|c| c.slot == claim.slot && c.holder != claim.holder);
        if let Some(first) = first {
            let Claim { slot, holder, path, at } = claim;
            let what =
                format!("`{path}`: the slot `{}` can't go to `{holder}`: `{}` gives it to `{}`", slot.name(), first.path, first.holder);
            report.add(at, what, Some("a slot has one holder: leave one of the two out".to_owned()));
        }
        let Ok(id) = PluginId::try_from(claim.holder.to_owned()) else { continue };
        if claim.holder == BUILTIN || first.is_some() {
            continue;
        }
        plugins.named.entry(id.clone()).or_default().slots.insert(claim.slot);
        match claim.slot {
            Slot::ContextEngine => slots.context_engine = Some(id),
        }
    }
}

/// Who is said to hold a slot: first by `[slots]`, then by plugins. What isn't of the right form is passed over; its reader has refused it.
fn claims<'a>(tree: &'a DeTable<'a>) -> Vec<Claim<'a>> {
    let mut claims = Vec::new();
    let under = |name: &'static str| entries("", tree).into_iter().filter(move |e| e.key == name).flat_map(|e| e.node.children());
    for Entry { key, node, .. } in under("slots") {
        if let (Some(slot), Some(holder)) = (Slot::named(key), node.text()) {
            claims.push(Claim { slot, holder, path: node.path.clone(), at: node.at.clone() });
        }
    }
    for Entry { key: holder, node, .. } in under("plugins") {
        for list in node.children().into_iter().filter(|e| e.key == "slots") {
            for element in list.node.items() {
                if let Some(slot) = element.text().and_then(Slot::named) {
                    claims.push(Claim { slot, holder, path: element.path.clone(), at: element.at.clone() });
                }
            }
        }
    }
    claims
}
