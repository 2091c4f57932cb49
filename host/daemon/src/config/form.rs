//! Forms: what may stand for a setting's value, in words, as a schema, and as the parser of it.
//!
//! A form says all three, so that the file's parser, its JSON Schema and its documentation can't differ. Reading costs next to nothing; what doesn't
//! fit is noted in the report with the value's place, and the setting keeps its default until the report is looked at.

use super::error::{Report, did_you_mean};
use super::node::Node;
use super::number::Count;
use plugbay_runtime::PluginId;
use plugbay_runtime::engine::Isolation;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use toml::de::DeValue;

/// What may stand for a value of type `V`.
pub(crate) trait Form<V>: Sync {
    /// In words, after "expected".
    fn expected(&self) -> String;

    /// As a JSON Schema.
    fn schema(&self) -> Value;

    /// Reads a value; `None` if it doesn't fit, which is then in the report.
    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<V>;

    /// A value as the file has it; `None` for one that is meant by leaving the setting out.
    fn show(&self, value: &V) -> Option<Value>;

    /// A value to learn from.
    fn example(&self) -> Value;
}

/// Yes or no.
pub(crate) struct Flag;

impl Form<bool> for Flag {
    fn expected(&self) -> String {
        "`true` or `false`".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "boolean" })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<bool> {
        if let DeValue::Boolean(truth) = node.value {
            return Some(*truth);
        }
        node.misfit(&self.expected(), report);
        None
    }

    fn show(&self, value: &bool) -> Option<Value> {
        Some(json!(value))
    }

    fn example(&self) -> Value {
        json!(true)
    }
}

/// A path; relative ones begin at the file's directory.
pub(crate) struct Directory;

impl Form<PathBuf> for Directory {
    fn expected(&self) -> String {
        "a path".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "minLength": 1 })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<PathBuf> {
        let path = node.text().filter(|text| !text.is_empty() && !text.contains('\0'));
        if path.is_none() {
            node.misfit(&self.expected(), report);
        }
        path.map(PathBuf::from)
    }

    fn show(&self, value: &PathBuf) -> Option<Value> {
        Some(json!(value))
    }

    fn example(&self) -> Value {
        json!("/var/lib/plugbay")
    }
}

/// An address and a port.
pub(crate) struct Address;

impl Form<SocketAddr> for Address {
    fn expected(&self) -> String {
        "an IP address and a port".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "pattern": "^(\\[[0-9a-fA-F:.]+\\]|[0-9.]+):[0-9]{1,5}$" })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<SocketAddr> {
        let address = node.text().and_then(|text| text.parse().ok());
        if address.is_none() {
            let port = node.text().and_then(|text| text.rsplit_once(':')).map_or("8642", |(_, port)| port);
            node.misfit_hinting(&self.expected(), Some(format!("this machine only: \"127.0.0.1:{port}\"")), report);
        }
        address
    }

    fn show(&self, value: &SocketAddr) -> Option<Value> {
        Some(json!(value))
    }

    fn example(&self) -> Value {
        json!("127.0.0.1:8642")
    }
}

/// One of some words.
pub(crate) struct OneOf<V: 'static>(pub(crate) &'static [(&'static str, V)]);

impl<V> OneOf<V> {
    fn words(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(word, _)| *word)
    }
}

impl<V: Copy + PartialEq + Sync> Form<V> for OneOf<V> {
    fn expected(&self) -> String {
        self.words().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ")
    }

    fn schema(&self) -> Value {
        json!({ "enum": self.words().collect::<Vec<_>>() })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<V> {
        let value = node.text().and_then(|text| self.0.iter().find(|(word, _)| *word == text));
        if value.is_none() {
            node.misfit_hinting(&self.expected(), node.text().and_then(|text| did_you_mean(text, self.words())), report);
        }
        value.map(|(_, value)| *value)
    }

    fn show(&self, value: &V) -> Option<Value> {
        self.0.iter().find(|(_, v)| v == value).map(|(word, _)| json!(word))
    }

    fn example(&self) -> Value {
        json!(self.words().last())
    }
}

/// What holds a slot: a plugin, or what is built in.
pub(crate) struct Holder;

/// The word for what is built in.
pub(crate) const BUILTIN: &str = "builtin";

impl Form<Option<PluginId>> for Holder {
    fn expected(&self) -> String {
        format!("`\"{BUILTIN}\"` or a plugin's id")
    }

    fn schema(&self) -> Value {
        Id.schema()
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<Option<PluginId>> {
        if node.text() == Some(BUILTIN) { Some(None) } else { Id.read(node, report).map(Some) }
    }

    fn show(&self, value: &Option<PluginId>) -> Option<Value> {
        Some(json!(value.as_ref().map_or(BUILTIN, PluginId::as_str)))
    }

    fn example(&self) -> Value {
        Id.example()
    }
}

/// A plugin's id.
pub(crate) struct Id;

impl Form<PluginId> for Id {
    fn expected(&self) -> String {
        "a plugin's id: a lower-case letter, then up to 63 lower-case letters, digits and hyphens".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$" })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<PluginId> {
        let id = node.text().and_then(|text| PluginId::try_from(text.to_owned()).ok());
        if id.is_none() {
            node.misfit(&self.expected(), report);
        }
        id
    }

    fn show(&self, value: &PluginId) -> Option<Value> {
        Some(json!(value.as_str()))
    }

    fn example(&self) -> Value {
        json!("scribe")
    }
}

/// A list in which nothing stands twice.
pub(crate) struct SetOf<F>(pub(crate) F);

impl<V: Ord, F: Form<V>> Form<BTreeSet<V>> for SetOf<F> {
    fn expected(&self) -> String {
        format!("a list; each element {}", self.0.expected())
    }

    fn schema(&self) -> Value {
        json!({ "type": "array", "items": self.0.schema(), "uniqueItems": true })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<BTreeSet<V>> {
        let mut set = BTreeSet::new();
        for element in node.elements(&self.expected(), report)? {
            if self.0.read(&element, report).is_some_and(|value| !set.insert(value)) {
                report.add(&element.at, format!("`{}`: this stands in the list twice", node.path), None);
            }
        }
        Some(set)
    }

    fn show(&self, value: &BTreeSet<V>) -> Option<Value> {
        Some(value.iter().filter_map(|v| self.0.show(v)).collect())
    }

    fn example(&self) -> Value {
        json!([self.0.example()])
    }
}

/// How a plugin's cells are kept.
pub(crate) struct Keeping;

/// Ways of keeping cells that are said in one word.
const KEEPING: OneOf<Isolation> = OneOf(&[("shared", Isolation::Shared), ("session", Isolation::Session), ("call", Isolation::Call)]);

/// How many cells a pool may have.
const POOL: Count = Count { least: 1, most: NonZeroU16::MAX.get() as u64 };

impl Form<Isolation> for Keeping {
    fn expected(&self) -> String {
        format!("{} or `{{ pool = N }}`", KEEPING.expected())
    }

    fn schema(&self) -> Value {
        let pool = json!({
            "type": "object",
            "properties": { "pool": Form::<NonZeroU16>::schema(&POOL) },
            "required": ["pool"],
            "additionalProperties": false,
        });
        json!({ "anyOf": [KEEPING.schema(), pool] })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<Isolation> {
        if !matches!(node.value, DeValue::Table(_)) {
            let word = node.text().filter(|text| KEEPING.words().any(|word| word == *text));
            if word.is_none() {
                let hint = node.text().and_then(|text| did_you_mean(text, KEEPING.words()));
                node.misfit_hinting(&self.expected(), hint, report);
            }
            return word.and_then(|_| KEEPING.read(node, report));
        }
        match node.entries(report).as_slice() {
            [pool] if pool.key == "pool" => POOL.read(&pool.node, report).map(Isolation::Pool),
            _ => {
                node.misfit(&self.expected(), report);
                None
            }
        }
    }

    fn show(&self, value: &Isolation) -> Option<Value> {
        if let Isolation::Pool(cells) = value { Some(json!({ "pool": cells })) } else { KEEPING.show(value) }
    }

    fn example(&self) -> Value {
        json!({ "pool": 4 })
    }
}
