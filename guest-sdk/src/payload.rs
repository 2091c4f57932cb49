//! Fields that may be too large to be handed over: JSON and text.
//!
//! What it is for: reading them without forgetting the case that they were cut off. What it costs: `parse` brings serde_json into the
//! plugin. How it fails: by an [`Error`] that says how large the field really is, or where the JSON doesn't fit the type.

use crate::{Error, Payload, Result, Text, Truncated};
use serde::de::DeserializeOwned;

/// The error of a field that isn't there.
fn too_large(truncated: &Truncated) -> Error {
    Error::new(format!("the field has {} bytes, which is more than a plugin is handed", truncated.bytes))
}

impl Payload {
    /// The JSON text.
    ///
    /// # Errors
    ///
    /// If the field was too large to be handed over.
    pub fn as_str(&self) -> Result<&str> {
        match self {
            Self::Json(text) => Ok(text),
            Self::Truncated(truncated) => Err(too_large(truncated)),
        }
    }

    /// Reads the field into a type.
    ///
    /// # Errors
    ///
    /// If the field was too large to be handed over, or has another form.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_str(self.as_str()?)?)
    }
}

impl Text {
    /// The text.
    ///
    /// # Errors
    ///
    /// If it was too long to be handed over.
    pub fn as_str(&self) -> Result<&str> {
        match self {
            Self::Whole(text) => Ok(text),
            Self::Truncated(truncated) => Err(too_large(truncated)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_is_read_and_what_is_truncated_is_an_error() {
        assert_eq!(Payload::Json("[1,2]".into()).parse::<Vec<u8>>(), Ok(vec![1, 2]));
        assert!(Payload::Json("[1,".into()).parse::<Vec<u8>>().unwrap_err().to_string().contains("EOF"));
        let large = Payload::Truncated(Truncated { bytes: 300_000 });
        assert_eq!(large.parse::<Vec<u8>>().unwrap_err().to_string(), "the field has 300000 bytes, which is more than a plugin is handed");
        assert_eq!(Text::Whole("hello".into()).as_str(), Ok("hello"));
        assert!(Text::Truncated(Truncated { bytes: 1 }).as_str().is_err());
    }
}
