//! A token's secret: made once, shown once, kept as its hash only.
//!
//! 32 bytes of the system's randomness: nothing to guess, so one round of BLAKE3 is all that hiding it takes. What is compared are hashes, all bytes of
//! them in any case: how long a comparison takes says nothing about the secret. Fails where the system has no randomness.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

/// What every token begins with, so that people and scanners know it when they find one.
pub(super) const PREFIX: &str = "plugbay_";

/// Characters after the prefix: 32 bytes in base64url.
pub(super) const LENGTH: usize = 43;

/// A token, as its owner presents it. Printing it for debugging doesn't show it.
pub struct Secret(String);

impl Secret {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The token itself, to be shown to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Whether the text can be a token at all.
pub(super) fn is_token(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    text.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(plain))
}

/// What is kept of a token: 64 hexadecimal digits where it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash(blake3::Hash);

impl SecretHash {
    pub(super) fn of(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    /// Whether it is the same, found out in the same time for any two.
    pub(super) fn same(&self, other: &Self) -> Choice {
        self.0.as_bytes().ct_eq(other.0.as_bytes())
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(hidden)")
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        hash.0.to_hex().to_string()
    }
}

impl TryFrom<String> for SecretHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |e| format!("a token's hash is 64 hexadecimal digits: {e}");
        blake3::Hash::from_hex(text).map(Self).map_err(wrong)
    }
}
