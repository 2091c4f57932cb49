//! JSON Schemas: the two that this host publishes, and those that plugins hand in for their settings.
//!
//! A plugin's schema is code of a kind: it may refer to itself, grow by doubling, or hold patterns that take gigabytes to compile. So it is never used as it comes:
//! [`expand`] puts what `$ref` names in its place, within bounds, and what is left is a plain tree. Checking against a tree costs at most its size times the
//! settings' size. Only the first problem is told, since gathering all of them has no bound.

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};
use std::sync::{Arc, OnceLock};

/// Values of a plugin's schema, when every reference stands for what it names.
const NODES: usize = 10_000;
/// Patterns in a plugin's schema.
const PATTERNS: usize = 64;
/// Bytes of one pattern.
const PATTERN: usize = 256;
/// Bytes that a compiled pattern may take.
const COMPILED: usize = 512 << 10;

/// A schema of this host's own, compiled when it is first used.
pub(crate) struct Published {
    text: &'static str,
    compiled: OnceLock<Result<Validator, String>>,
}

impl Published {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Whether a value fits.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        let compiled = self.compiled.get_or_init(|| {
            let schema: Value = serde_json::from_str(self.text).map_err(|e| e.to_string())?;
            compile(&schema)
        });
        let validator = compiled.as_ref().map_err(|e| format!("the host's own schema: {e}"))?;
        validator.validate(value).map_err(|e| at(&e.instance_path().to_string(), &e.to_string()))
    }
}

/// Whether a value fits an expanded schema. No value is in the answer: one of them may be a secret.
pub(crate) fn check(value: &Value, schema: &Value) -> Result<(), String> {
    let validator = compile(schema)?;
    validator.validate(value).map_err(|e| at(&e.instance_path().to_string(), &e.masked_with("the value").to_string()))
}

/// A schema that a plugin registered, compiled: what one of its tools or actions takes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Schema(Arc<Validator>);

impl Schema {
    /// Compiles a schema as a [`Registration`](crate::Registration) holds it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn compile(registered: &Value) -> Result<Self, String> {
        Ok(Self(Arc::new(compile(registered)?)))
    }

    /// Whether a value fits.
    ///
    /// # Errors
    /// The first place where it doesn't, and why.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        self.0.validate(value).map_err(|e| at(&e.instance_path().to_string(), &e.to_string()))
    }
}

/// Compiles a schema; patterns by an engine that never backtracks, within their bound.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::regex().size_limit(COMPILED).dfa_size_limit(COMPILED);
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).with_pattern_options(patterns);
    options.build(schema).map_err(|e| at(&e.instance_path().to_string(), &e.to_string()))
}

fn at(path: &str, problem: &str) -> String {
    let place = if path.is_empty() { "the whole".to_owned() } else { format!("`{path}`") };
    short(&format!("{place}: {problem}"))
}

fn short(text: &str) -> String {
    text.chars().take(500).collect()
}

/// A plugin's schema with every `$ref` replaced by what it names.
pub(crate) fn expand(schema: &Value) -> Result<Value, String> {
    expand_beside(schema, &mut Taken::default())
}

/// The same for one of several schemas that share the bounds of one.
pub(crate) fn expand_beside(schema: &Value, taken: &mut Taken) -> Result<Value, String> {
    let mut expansion = Expansion { root: schema, taken, open: Vec::new(), path: String::new() };
    let expanded = expansion.value(schema, Place::Schema { seen: true });
    expanded.map_err(|problem| at(&expansion.path, &problem))
}

/// What schemas have taken of their bounds.
#[derive(Default)]
pub(crate) struct Taken {
    nodes: usize,
    patterns: usize,
}

/// Keywords under which secrets are looked for: straight below, or one level of names or numbers further down.
const DIRECT: [&str; 2] = ["additionalProperties", "items"];
const LISTED: [&str; 4] = ["properties", "allOf", "anyOf", "oneOf"];
/// Keywords that make a schema more than a tree.
const REFUSED: [&str; 6] = ["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$anchor", "$id", "$vocabulary"];

/// What a value is in a schema.
#[derive(Clone, Copy)]
enum Place {
    /// A schema; `seen`: secrets are looked for here.
    Schema { seen: bool },
    /// A list or map of schemas.
    Schemas { seen: bool },
    /// Anything else.
    Data,
}

struct Expansion<'a> {
    root: &'a Value,
    taken: &'a mut Taken,
    /// The references that are being followed.
    open: Vec<&'a str>,
    /// Where it is: after a failure, where that was found.
    path: String,
}

impl<'a> Expansion<'a> {
    fn value(&mut self, value: &'a Value, place: Place) -> Result<Value, String> {
        self.taken.nodes += 1;
        if self.taken.nodes > NODES {
            return Err(format!("it has more than {NODES} values when its references are followed"));
        }
        match (value, place) {
            (Value::Object(object), Place::Schema { seen }) => self.schema(object, seen),
            (Value::Object(object), Place::Schemas { seen }) => {
                let member = |(name, value): (&String, &'a Value)| Ok((name.clone(), self.step(name, value, Place::Schema { seen })?));
                Ok(Value::Object(object.iter().map(member).collect::<Result<_, String>>()?))
            }
            (Value::Array(list), Place::Schema { seen } | Place::Schemas { seen }) => {
                let item = |(n, value): (usize, &'a Value)| self.step(&n.to_string(), value, Place::Schema { seen });
                Ok(Value::Array(list.iter().enumerate().map(item).collect::<Result<_, String>>()?))
            }
            (other, _) => Ok(other.clone()),
        }
    }

    fn schema(&mut self, object: &'a Map<String, Value>, seen: bool) -> Result<Value, String> {
        if let Some(name) = REFUSED.iter().find(|name| object.contains_key(**name)) {
            return Err(format!("`{name}` isn't taken here"));
        }
        if object.contains_key("x-secret") && !seen {
            return Err("`x-secret` stands where secrets aren't looked for: use it below `properties`, `items` and the like".to_owned());
        }
        let mut expanded = Map::new();
        for (name, value) in object.iter().filter(|(name, _)| !matches!(name.as_str(), "$ref" | "$defs" | "definitions")) {
            self.pattern(name, value)?;
            expanded.insert(name.clone(), self.step(name, value, below(name, seen))?);
        }
        if let Some(named) = object.get("$ref") {
            let target = self.follow(named, seen)?;
            merge(&mut expanded, target);
        }
        Ok(Value::Object(expanded))
    }

    fn follow(&mut self, reference: &'a Value, seen: bool) -> Result<Value, String> {
        let name = reference.as_str().ok_or("a `$ref` isn't text")?;
        let pointer = name.strip_prefix('#').ok_or_else(|| format!("`$ref` to {name:?}: only what is in the schema itself"))?;
        let target = self.root.pointer(pointer).ok_or_else(|| format!("`$ref` to {name:?}, which isn't there"))?;
        if self.open.contains(&name) || self.open.len() >= 32 {
            return Err(format!("`$ref` to {name:?} comes back to itself, or is nested too deep"));
        }
        self.open.push(name);
        let expanded = self.step("$ref", target, Place::Schema { seen });
        self.open.pop();
        expanded
    }

    /// What stands below, one step further down.
    fn step(&mut self, name: &str, value: &'a Value, place: Place) -> Result<Value, String> {
        let here = self.path.len();
        self.path.extend(["/", name]);
        let expanded = self.value(value, place)?;
        self.path.truncate(here);
        Ok(expanded)
    }

    /// Patterns are bounded in number and size.
    fn pattern(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let lengths: Vec<usize> = match (name, value) {
            ("pattern", Value::String(pattern)) => vec![pattern.len()],
            ("patternProperties", Value::Object(patterns)) => patterns.keys().map(String::len).collect(),
            _ => return Ok(()),
        };
        self.taken.patterns += lengths.len();
        let longest = lengths.into_iter().max().unwrap_or(0);
        if self.taken.patterns > PATTERNS || longest > PATTERN {
            return Err(format!("at most {PATTERNS} patterns of at most {PATTERN} bytes are taken"));
        }
        Ok(())
    }
}

/// What stands below a keyword.
fn below(keyword: &str, seen: bool) -> Place {
    match keyword {
        _ if DIRECT.contains(&keyword) => Place::Schema { seen },
        _ if LISTED.contains(&keyword) => Place::Schemas { seen },
        "not" | "if" | "then" | "else" | "contains" | "propertyNames" | "unevaluatedItems" | "unevaluatedProperties" => {
            Place::Schema { seen: false }
        }
        "patternProperties" | "prefixItems" | "dependentSchemas" => Place::Schemas { seen: false },
        _ => Place::Data,
    }
}

/// What a reference names counts beside what stands next to it.
fn merge(expanded: &mut Map<String, Value>, target: Value) {
    if expanded.is_empty()
        && let Value::Object(target) = target
    {
        *expanded = target;
        return;
    }
    match expanded.get_mut("allOf") {
        Some(Value::Array(all)) => all.push(target),
        _ => drop(expanded.insert("allOf".to_owned(), Value::Array(vec![target]))),
    }
}

/// The values of secret fields.
pub(crate) fn secrets(value: &Value, schema: &Value, found: &mut Vec<String>) {
    if schema.get("x-secret") == Some(&Value::Bool(true)) {
        return texts(value, found);
    }
    for either in ["allOf", "anyOf", "oneOf"].iter().filter_map(|k| schema.get(k)?.as_array()).flatten() {
        secrets(value, either, found);
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let of_field = schema.get("properties").and_then(|p| p.get(name)).or_else(|| schema.get("additionalProperties"));
        of_field.into_iter().for_each(|schema| secrets(value, schema, found));
    }
    if let (Some(list), Some(items)) = (value.as_array(), schema.get("items")) {
        list.iter().for_each(|item| secrets(item, items, found));
    }
}

/// Everything below a secret is secret.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|v| texts(v, found)),
        Value::Object(object) => object.values().for_each(|v| texts(v, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_replaced_by_what_they_name() {
        let schema = json!({
            "properties": { "a": { "$ref": "#/$defs/A", "description": "an a" }, "b": { "$ref": "#/$defs/A" } },
            "$defs": { "A": { "type": "string", "minLength": 2 } },
        });
        let expanded = expand(&schema).unwrap();
        assert_eq!(expanded["properties"]["b"], json!({ "type": "string", "minLength": 2 }));
        assert!(!expanded.to_string().contains("$ref"));
        assert!(check(&json!({ "a": "xy", "b": "xy" }), &expanded).is_ok());
        assert!(check(&json!({ "a": "x" }), &expanded).unwrap_err().contains("`/a`"));
    }

    #[test]
    fn what_refers_to_itself_or_doubles_is_refused() {
        let itself = json!({ "$ref": "#/$defs/A", "$defs": { "A": { "properties": { "a": { "$ref": "#/$defs/A" } } } } });
        assert!(expand(&itself).unwrap_err().contains("comes back to itself"));
        let whole = json!({ "anyOf": [{}, { "$ref": "#" }, { "$ref": "#" }] });
        assert!(expand(&whole).unwrap_err().contains("comes back to itself"));
        let mut defs = Map::new();
        for n in 0..30 {
            let next = json!({ "$ref": format!("#/$defs/A{}", n + 1) });
            defs.insert(format!("A{n}"), json!({ "allOf": [next, next] }));
        }
        defs.insert("A30".into(), json!({ "required": ["x"] }));
        assert!(expand(&json!({ "$ref": "#/$defs/A0", "$defs": defs })).unwrap_err().contains("10000 values"));
    }

    #[test]
    fn patterns_are_bounded() {
        let many: Map<String, Value> = (0..65).map(|n| (format!("p{n}"), json!({ "pattern": "a" }))).collect();
        assert!(expand(&json!({ "properties": many })).is_err());
        assert!(expand(&json!({ "pattern": "x".repeat(257) })).is_err());
        assert!(compile(&expand(&json!({ "pattern": "(a{1000}){1000}" })).unwrap()).is_err(), "it would take too much memory");
    }

    #[test]
    fn other_ways_to_refer_are_refused() {
        for schema in [
            json!({ "$ref": "other.json" }),
            json!({ "$ref": "#/nowhere" }),
            json!({ "$dynamicRef": "#a" }),
            json!({ "properties": { "a": { "$id": "urn:x" } } }),
        ] {
            assert!(expand(&schema).is_err(), "{schema}");
        }
        assert!(expand(&json!({ "const": { "$ref": "data" }, "properties": { "$ref": { "type": "string" } } })).is_ok(), "data and names");
    }

    #[test]
    fn secrets_are_found_wherever_they_may_stand_and_refused_elsewhere() {
        let schema = expand(&json!({
            "properties": {
                "token": { "type": "string", "x-secret": true },
                "plain": { "type": "string" },
                "nested": { "$ref": "#/$defs/Nested" },
                "many": { "type": "array", "items": { "x-secret": true } },
                "maybe": { "anyOf": [{ "$ref": "#/$defs/Nested" }, { "type": "null" }] },
            },
            "additionalProperties": { "x-secret": true },
            "$defs": { "Nested": { "properties": { "pin": { "type": "integer", "x-secret": true } } } },
        }));
        let settings = json!({
            "token": "t0ken", "plain": "seen", "nested": { "pin": 4711 }, "many": ["a1", { "deep": "b2" }], "maybe": { "pin": 4712 }, "x": "c3",
        });
        let mut found = Vec::new();
        secrets(&settings, &schema.unwrap(), &mut found);
        found.sort();
        assert_eq!(found, ["4711", "4712", "a1", "b2", "c3", "t0ken"]);
        for place in ["patternProperties", "prefixItems", "dependentSchemas"] {
            assert!(expand(&json!({ place: { "a": { "x-secret": true } } })).unwrap_err().contains("x-secret"), "{place}");
        }
        assert!(expand(&json!({ "then": { "x-secret": true } })).is_err());
    }
}
