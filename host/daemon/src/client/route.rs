//! Where a daemon is, and what of it is asked for.

use hyper::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

/// What stands in a path or a query as something else.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where a daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    Socket {
        /// The socket's file.
        path: PathBuf,
        /// Who says so.
        by: String,
    },
    /// Anywhere.
    Tcp {
        /// Host and port.
        authority: String,
    },
}

impl Place {
    /// The name of the host, as HTTP wants it.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Self::Socket { .. } => "localhost",
            Self::Tcp { authority } => authority,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { path, by } => write!(f, "{} ({by})", path.display()),
            Self::Tcp { authority } => write!(f, "http://{authority}"),
        }
    }
}

/// Not the address of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected http://HOST:PORT; a daemon behind https needs a proxy of yours, or its socket")]
pub struct NoUrl;

impl FromStr for Place {
    type Err = NoUrl;

    /// An address, `http://HOST:PORT`.
    fn from_str(url: &str) -> Result<Self, NoUrl> {
        let uri: Uri = url.parse().map_err(|_| NoUrl)?;
        let whole = matches!(uri.path_and_query().map(|p| p.as_str()), None | Some("/" | ""));
        match (uri.scheme_str(), uri.host(), uri.authority()) {
            (Some("http"), Some(host), Some(authority)) if whole && !authority.as_str().contains('@') => {
                Ok(Self::Tcp { authority: format!("{host}:{}", uri.port_u16().unwrap_or(80)) })
            }
            _ => Err(NoUrl),
        }
    }
}

/// A path with its query, whatever is in the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    text: String,
    has_query: bool,
}

impl Route {
    /// `/v1` and these parts.
    #[must_use]
    pub fn v1(parts: &[&str]) -> Self {
        let text = parts.iter().fold("/v1".to_owned(), |text, part| format!("{text}/{}", utf8_percent_encode(part, ESCAPED)));
        Self { text, has_query: false }
    }

    /// With this in its query.
    #[must_use]
    pub fn with(self, name: &str, value: impl fmt::Display) -> Self {
        let Self { text, has_query } = self;
        let (mark, value) = (if has_query { '&' } else { '?' }, value.to_string());
        Self { text: format!("{text}{mark}{name}={}", utf8_percent_encode(&value, ESCAPED)), has_query: true }
    }

    /// With all of these in its query.
    #[must_use]
    pub fn with_all(self, name: &str, values: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        values.into_iter().fold(self, |route, value| route.with(name, value))
    }

    /// As a request has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_part_changes_the_path() {
        let route = Route::v1(&["plugins", "a/../b?c#d e"])
            .with("why", "so & so")
            .with_all("grant", ["ö", "x"])
            .with_all("deny", Option::<u8>::None);
        assert_eq!(route.as_str(), "/v1/plugins/a%2F..%2Fb%3Fc%23d%20e?why=so%20%26%20so&grant=%C3%B6&grant=x");
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let authority = |url: &str| url.parse().map(|place: Place| place.host().to_owned());
        assert_eq!(authority("http://127.0.0.1:7420").unwrap(), "127.0.0.1:7420");
        assert_eq!(authority("http://[::1]:7420/").unwrap(), "[::1]:7420");
        assert_eq!(authority("http://gate").unwrap(), "gate:80");
        for wrong in ["https://gate:1", "gate:1", "/run/sock", "http://", "http://gate:1/v1", "http://me@gate:1", "http://gate:1/?x"] {
            assert_eq!(authority(wrong), Err(NoUrl), "{wrong}");
        }
    }
}
