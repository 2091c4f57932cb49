//! Settings: a section of the file is a table of names, each with where its value goes, its form, and what it is for.
//!
//! The one table serves the parser, the JSON Schema and the documentation: the default that is documented is the one that the section's own
//! `Default` has. A name that isn't in it is refused, with the nearest that is.

use super::error::{Report, did_you_mean};
use super::form::Form;
use super::node::{Entry, Node, join};
use serde_json::{Map, Value, json};

/// A part of the configuration with known names.
pub(crate) trait Section: Default + 'static {
    /// What may stand in it.
    const SETTINGS: &'static [Setting<Self>];
}

/// One name of a section.
pub(crate) struct Setting<S: 'static> {
    pub(crate) name: &'static str,
    /// What it is for, as a sentence.
    pub(crate) says: &'static str,
    pub(crate) field: &'static dyn Field<S>,
}

/// A line of the documentation.
pub(crate) struct Row {
    pub(crate) path: String,
    pub(crate) says: &'static str,
    pub(crate) expected: String,
    pub(crate) default: Option<Value>,
    pub(crate) example: Value,
}

/// Where the value of a setting goes, and in which form it comes.
pub(crate) trait Field<S>: Sync {
    /// Reads it into the section.
    fn read(&self, section: &mut S, node: &Node<'_>, report: &mut Report<'_>);

    /// As a JSON Schema.
    fn schema(&self) -> Value;

    /// Its documentation; the section is one of defaults.
    fn rows(&self, section: &mut S, path: &str, says: &'static str, rows: &mut Vec<Row>);
}

/// A value that is always there.
pub(crate) struct At<S, V: 'static>(pub(crate) &'static dyn Form<V>, pub(crate) fn(&mut S) -> &mut V);

impl<S, V> Field<S> for At<S, V> {
    fn read(&self, section: &mut S, node: &Node<'_>, report: &mut Report<'_>) {
        if let Some(value) = self.0.read(node, report) {
            *(self.1)(section) = value;
        }
    }

    fn schema(&self) -> Value {
        self.0.schema()
    }

    fn rows(&self, section: &mut S, path: &str, says: &'static str, rows: &mut Vec<Row>) {
        let (expected, default, example) = (self.0.expected(), self.0.show((self.1)(section)), self.0.example());
        rows.push(Row { path: path.to_owned(), says, expected, default, example });
    }
}

/// A value that may be left out.
pub(crate) struct Maybe<S, V: 'static>(pub(crate) &'static dyn Form<V>, pub(crate) fn(&mut S) -> &mut Option<V>);

impl<S, V> Field<S> for Maybe<S, V> {
    fn read(&self, section: &mut S, node: &Node<'_>, report: &mut Report<'_>) {
        *(self.1)(section) = self.0.read(node, report);
    }

    fn schema(&self) -> Value {
        self.0.schema()
    }

    fn rows(&self, _: &mut S, path: &str, says: &'static str, rows: &mut Vec<Row>) {
        rows.push(Row { path: path.to_owned(), says, expected: self.0.expected(), default: None, example: self.0.example() });
    }
}

/// A section within a section.
pub(crate) struct In<S, T: 'static>(pub(crate) fn(&mut S) -> &mut T);

impl<S, T: Section> Field<S> for In<S, T> {
    fn read(&self, section: &mut S, node: &Node<'_>, report: &mut Report<'_>) {
        read_section((self.0)(section), node.entries(report), &node.path, report);
    }

    fn schema(&self) -> Value {
        section_schema::<T>()
    }

    fn rows(&self, section: &mut S, path: &str, _: &'static str, rows: &mut Vec<Row>) {
        section_rows((self.0)(section), path, rows);
    }
}

/// A table in which each of some known names may have a value.
pub(crate) struct Named<S, V: 'static> {
    /// What the names are names of.
    pub(crate) of: &'static str,
    pub(crate) names: fn() -> Vec<&'static str>,
    pub(crate) form: &'static dyn Form<V>,
    /// Takes a value by the name's number.
    pub(crate) put: fn(&mut S, usize, V),
    /// The default of a name, as the file would have it.
    pub(crate) default: fn(usize) -> Option<Value>,
}

impl<S, V> Field<S> for Named<S, V> {
    fn read(&self, section: &mut S, node: &Node<'_>, report: &mut Report<'_>) {
        let names = (self.names)();
        for entry in node.entries(report) {
            match names.iter().position(|name| *name == entry.key) {
                Some(n) => {
                    if let Some(value) = self.form.read(&entry.node, report) {
                        (self.put)(section, n, value);
                    }
                }
                None => unknown(self.of, &entry, &names, report),
            }
        }
    }

    fn schema(&self) -> Value {
        let properties: Map<_, _> = (self.names)().iter().map(|name| ((*name).to_owned(), self.form.schema())).collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    fn rows(&self, _: &mut S, path: &str, says: &'static str, rows: &mut Vec<Row>) {
        rows.extend((self.names)().iter().enumerate().map(|(n, name)| Row {
            path: join(path, name),
            says,
            expected: self.form.expected(),
            default: (self.default)(n),
            example: self.form.example(),
        }));
    }
}

/// Reads the entries of a section.
pub(crate) fn read_section<S: Section>(section: &mut S, entries: Vec<Entry<'_>>, path: &str, report: &mut Report<'_>) {
    for entry in entries {
        match S::SETTINGS.iter().find(|setting| setting.name == entry.key) {
            Some(setting) => setting.field.read(section, &entry.node, report),
            None => {
                let known: Vec<_> = S::SETTINGS.iter().map(|s| s.name).collect();
                unknown(if path.is_empty() { "section" } else { "setting" }, &entry, &known, report);
            }
        }
    }
}

/// Refuses a name that isn't known.
fn unknown(of: &str, entry: &Entry<'_>, known: &[&'static str], report: &mut Report<'_>) {
    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let what = format!("`{}`: there is no such {of}; expected {}", entry.node.path, names.join(", "));
    report.add_name(&entry.key_at, what, did_you_mean(entry.key, known.iter().copied()));
}

/// The JSON Schema of a section.
pub(crate) fn section_schema<S: Section>() -> Value {
    let mut defaults = S::default();
    let properties: Map<_, _> = S::SETTINGS.iter().map(|setting| (setting.name.to_owned(), described(setting, &mut defaults))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// The schema of a setting, with what its documentation says.
fn described<S: Section>(setting: &Setting<S>, defaults: &mut S) -> Value {
    let mut schema = setting.field.schema();
    let mut rows = Vec::new();
    setting.field.rows(defaults, setting.name, setting.says, &mut rows);
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), json!(setting.says));
        if let [Row { path, default, example, .. }] = rows.as_slice()
            && path == setting.name
        {
            schema.insert("examples".to_owned(), json!([example]));
            schema.extend(default.clone().map(|default| ("default".to_owned(), default)));
        }
    }
    schema
}

/// The documentation of a section.
pub(crate) fn section_rows<S: Section>(section: &mut S, path: &str, rows: &mut Vec<Row>) {
    for setting in S::SETTINGS {
        setting.field.rows(section, &join(path, setting.name), setting.says, rows);
    }
}
