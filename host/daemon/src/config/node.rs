//! A value in the file, with its place: what every form reads from.
//!
//! Costs a path's text per value; a file has some hundred.

use super::error::Report;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A value, where it stands, and the setting's name.
pub(crate) struct Node<'a> {
    pub(crate) path: String,
    pub(crate) at: Range<usize>,
    pub(crate) value: &'a DeValue<'a>,
}

/// An entry of a table.
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a str,
    pub(crate) key_at: Range<usize>,
    pub(crate) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// The entries of a table; if it isn't one, that is a problem.
    pub(crate) fn entries(&self, report: &mut Report<'_>) -> Vec<Entry<'a>> {
        let DeValue::Table(table) = self.value else {
            self.misfit("a table", report);
            return Vec::new();
        };
        entries(&self.path, table)
    }

    /// The entries, if it is a table.
    pub(crate) fn children(&self) -> Vec<Entry<'a>> {
        if let DeValue::Table(table) = self.value { entries(&self.path, table) } else { Vec::new() }
    }

    /// The elements, if it is a list.
    pub(crate) fn items(&self) -> Vec<Node<'a>> {
        let DeValue::Array(array) = self.value else { return Vec::new() };
        array.iter().map(|e| Node { path: self.path.clone(), at: e.span(), value: e.get_ref() }).collect()
    }

    /// The elements of a list; if it isn't one, that is a problem.
    pub(crate) fn elements(&self, expected: &str, report: &mut Report<'_>) -> Option<Vec<Node<'a>>> {
        let is_list = matches!(self.value, DeValue::Array(_));
        if !is_list {
            self.misfit(expected, report);
        }
        is_list.then(|| self.items())
    }

    /// Its text, if it is one.
    pub(crate) fn text(&self) -> Option<&'a str> {
        if let DeValue::String(text) = self.value { Some(text) } else { None }
    }

    /// Its whole number, if it is one that fits.
    pub(crate) fn integer(&self) -> Option<i64> {
        if let DeValue::Integer(n) = self.value { i64::from_str_radix(n.as_str(), n.radix()).ok() } else { None }
    }

    /// Notes that something else was expected.
    pub(crate) fn misfit(&self, expected: &str, report: &mut Report<'_>) {
        self.misfit_hinting(expected, None, report);
    }

    /// The same, with a hint.
    pub(crate) fn misfit_hinting(&self, expected: &str, hint: Option<String>, report: &mut Report<'_>) {
        report.add(&self.at, format!("`{}`: expected {expected}; found {}", self.path, found(self.value)), hint);
    }
}

/// The entries of a table with this name; the file itself has none.
pub(crate) fn entries<'a>(path: &str, table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let entry = |(key, value): (&'a toml::Spanned<_>, &'a toml::Spanned<DeValue<'a>>)| {
        let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
        let node = Node { path: join(path, name), at: value.span(), value: value.get_ref() };
        Entry { key: name, key_at: key.span(), node }
    };
    table.iter().map(entry).collect()
}

/// The name of a setting in a table.
pub(crate) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        DeValue::Integer(n) if n.radix() == 10 => n.to_string(),
        DeValue::Integer(_) => "a whole number".to_owned(),
        DeValue::Float(n) => n.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
