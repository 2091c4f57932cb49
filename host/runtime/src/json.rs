//! JSON text that is known to be JSON and known to be bounded.
//!
//! [`Json`] can't hold anything else, so text is checked once, where it enters, at about the speed of `serde_json` skipping over it:
//! see [`crate::json_walk`].

use crate::json_walk::check;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Nesting.
pub(crate) const DEPTH: usize = 32;
/// Values of all kinds.
pub(crate) const NODES: usize = 4_096;
/// Keys of one object.
pub(crate) const KEYS: usize = 512;
/// Characters of one string.
pub(crate) const STRING: usize = 64 << 10;
/// Bytes in all.
pub(crate) const BYTES: usize = 256 << 10;

/// JSON text within the bounds of the contract. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

/// Why text is no [`Json`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It isn't JSON.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// It is beyond a bound.
    #[error("JSON beyond its bounds: {what}: {found} found, {allowed} allowed")]
    Beyond {
        /// Of what there is too much.
        what: &'static str,
        /// How much there is, as far as it was counted.
        found: usize,
        /// How much there may be.
        allowed: usize,
    },
}

impl Json {
    /// Checks text.
    ///
    /// # Errors
    /// Says where it isn't JSON, or which bound it is beyond.
    pub fn check(text: impl Into<Arc<str>>) -> Result<Self, JsonError> {
        let text = text.into();
        check(&text)?;
        Ok(Self(text))
    }

    /// The text of a value of the host's own.
    ///
    /// # Errors
    /// Says which bound it is beyond.
    pub fn from_value(value: &serde_json::Value) -> Result<Self, JsonError> {
        Self::check(value.to_string())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value.
    ///
    /// # Errors
    /// If a number in it is too large for this host's types: the grammar has no bound there.
    pub fn parse(&self) -> Result<serde_json::Value, JsonError> {
        serde_json::from_str(&self.0).map_err(|e| JsonError::Syntax(e.to_string()))
    }
}

impl Default for Json {
    /// `null`.
    fn default() -> Self {
        Self("null".into())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Json> for String {
    fn from(json: Json) -> Self {
        json.0.as_ref().to_owned()
    }
}

/// A field of free-form JSON on its way to a plugin: whole, or beyond the bounds and only its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// All of it.
    Json(Json),
    /// Too large to be handed over.
    Truncated {
        /// Its size.
        bytes: u64,
    },
}

impl Payload {
    /// The field that holds this value.
    #[must_use]
    pub fn of(value: &serde_json::Value) -> Self {
        let text = value.to_string();
        let bytes = text.len() as u64;
        Json::check(text).map_or(Self::Truncated { bytes }, Self::Json)
    }
}

impl From<Json> for Payload {
    fn from(json: Json) -> Self {
        Self::Json(json)
    }
}

impl Serialize for Json {
    /// As the value that it is, not as text.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let value: serde_json::Value = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_value(&serde_json::Value::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::of(&serde_json::Value::deserialize(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond(text: &str) -> Option<&'static str> {
        match Json::check(text) {
            Err(JsonError::Beyond { what, .. }) => Some(what),
            Ok(_) => None,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(beyond(&nested(DEPTH)), None);
        assert_eq!(beyond(&nested(DEPTH + 1)), Some("nesting"));
        assert_eq!(beyond(&nested(100_000)), Some("nesting"));
    }

    #[test]
    fn values_are_counted_in_arrays_and_objects() {
        let list = |n: usize| format!("[{}]", vec!["1"; n].join(" , "));
        assert_eq!(beyond(&list(NODES - 1)), None); // the list itself is a value
        assert_eq!(beyond(&list(NODES)), Some("values"));
        let empty = |n: usize| format!("[{}]", vec!["[ ]"; n].join(","));
        assert_eq!(beyond(&empty(NODES - 1)), None);
        assert_eq!(beyond(&empty(NODES)), Some("values"));
    }

    #[test]
    fn keys_are_counted_for_each_object() {
        let object = |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"k{i}\":0")).collect::<Vec<_>>().join(","));
        assert_eq!(beyond(&object(KEYS)), None);
        assert_eq!(beyond(&object(KEYS + 1)), Some("keys of an object"));
        assert_eq!(beyond(&format!("[{0},{0},{{\"a\":{0},\"b\":1}}]", object(KEYS))), None);
    }

    #[test]
    fn strings_are_counted_in_characters() {
        let string = |c: &str, n: usize| format!("\"{}\"", c.repeat(n));
        assert_eq!(beyond(&string("ä", STRING)), None);
        assert_eq!(beyond(&string("ä", STRING + 1)), Some("characters of a string"));
        assert_eq!(beyond(&format!("\"{}\"", "x".repeat(BYTES))), Some("bytes"));
    }

    #[test]
    fn what_stands_in_strings_is_not_punctuation() {
        let text = format!(r#"{{"a":"{}","b\\":"\"{}"}}"#, "[".repeat(100), ",:{".repeat(5_000));
        assert_eq!(beyond(&text), None);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "[1,]", "nul", "\"\u{1}\"", "{} {}", "01", "{\"a\" 1}", "[\"\\x\"]"] {
            assert!(matches!(Json::check(text), Err(JsonError::Syntax(_))), "{text:?}");
        }
    }

    #[test]
    fn what_passes_can_be_parsed() {
        for text in ["null", "[1,2.5e3,\"\\u00e4\"]", "{\"a\":{}}", " 7 "] {
            assert!(Json::check(text).unwrap().parse().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_refused() {
        for text in [r#""\ud800""#, r#""\ud800x""#, r#""\ude00""#, r#"["\ud83d\u0041"]"#] {
            assert!(matches!(Json::check(text), Err(JsonError::Syntax(_))), "{text}");
        }
        assert!(Json::check(r#""\ud83d\ude00 \\ud800""#).is_ok());
    }

    #[test]
    fn a_field_that_is_too_large_becomes_its_size() {
        let value = serde_json::Value::from("x".repeat(STRING + 1));
        assert_eq!(Payload::of(&value), Payload::Truncated { bytes: STRING as u64 + 3 });
    }

    #[test]
    fn it_agrees_with_serde_json_on_mutated_text() {
        let seeds = [
            r#"{"a":[1,-2.5e-3,0,0.1,1E+9,true,false,null],"b\u00e4\ud83d\ude00":{"c":"x\n\"\\/","d":{}},"e":[[],[[]],""]}"#,
            " [ 1 , { \"k\" : \"a long string without anything special in it, then \\t one\" } ] ",
            "-0.0",
            "\"\"",
            "0",
        ];
        let alphabet = b"{}[]\",:\\ 0123456789-+.eEtrufalsn\n\t\x01\xc3\xa4dDcCbB/x";
        let mut state = 0x1234_5678_9abc_def0_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % below
        };
        let (mut good, mut bad) = (0, 0);
        for _ in 0..400_000 {
            let mut bytes = seeds[random(seeds.len())].as_bytes().to_vec();
            for _ in 0..random(4) {
                let at = random(bytes.len());
                match random(3) {
                    0 => bytes[at] = alphabet[random(alphabet.len())],
                    1 => bytes.insert(at, alphabet[random(alphabet.len())]),
                    _ => drop(bytes.remove(at)),
                }
                if bytes.is_empty() {
                    bytes.push(b' ');
                }
            }
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let theirs = serde_json::from_str::<serde_json::Value>(&text).err().filter(|e| !e.to_string().contains("out of range"));
            let ours = Json::check(text.as_str());
            assert_eq!(ours.is_ok(), theirs.is_none(), "{text:?}: {ours:?} {theirs:?}");
            if ours.is_ok() { good += 1 } else { bad += 1 }
        }
        assert!(good > 50_000 && bad > 50_000, "{good} {bad}");
    }
}
