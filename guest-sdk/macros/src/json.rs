//! JSON text, made at compile time.
//!
//! What it is for: the manifest and the answer of `describe` are constants in the plugin. What it costs: nothing at run time. How it fails:
//! it doesn't; every string has a JSON form.

use std::fmt::Write;

/// A string in quotes.
pub(crate) fn string(text: &str) -> String {
    let mut json = String::from('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if control.is_control() => {
                // Writing to a `String` can't fail.
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            plain => json.push(plain),
        }
    }
    json.push('"');
    json
}

/// An array of texts that are JSON already.
pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

/// An object of names and texts that are JSON already.
pub(crate) fn object(members: impl IntoIterator<Item = (&'static str, String)>) -> String {
    format!("{{{}}}", members.into_iter().map(|(name, value)| format!("{}:{value}", string(name))).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("a \"b\" \\ \n \u{7f} ä"), r#""a \"b\" \\ \u000a \u007f ä""#);
    }

    #[test]
    fn objects_and_arrays_nest() {
        assert_eq!(object([("a", array([string("x"), "1".into()])), ("b", "true".into())]), r#"{"a":["x",1],"b":true}"#);
        assert_eq!(object([]), "{}");
    }
}
