//! The error of a plugin's methods.
//!
//! What it is for: `?` on any error, and a text for the host, which keeps nothing else of it. What it costs: one string. How it fails: it
//! doesn't.

use std::fmt;

/// A text that says what went wrong. Made by `?` from any [`std::error::Error`], with its sources, or by [`Error::new`].
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    text: String,
}

/// The result of a plugin's method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of one's own.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no port")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_question_mark_keeps_the_sources() {
        let failing = || -> Result<u16> { Ok("x".parse::<u16>().map_err(Outer)?) };
        assert_eq!(failing().unwrap_err().to_string(), "no port: invalid digit found in string");
    }
}
