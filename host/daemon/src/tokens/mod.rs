//! Tokens: who may call the host over TCP, and do what.
//!
//! A token is issued under a name with a [`Scope`], is shown once, and kept as a hash. This is the logic only: the caller keeps [`TokenRecord`]s, and puts
//! back what it kept. A check hashes what is presented and compares it with every token's hash, to the end, so its time tells neither whether a token is
//! known nor which; it costs a few nanoseconds a token. Refusals are typed, one sentence each, and never repeat what was presented.

mod header;
mod scope;
mod secret;
#[cfg(test)]
mod tests;

pub use header::bearer;
pub use scope::{NoScope, Scope};
pub use secret::{Secret, SecretHash};

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use subtle::ConditionallySelectable;
use thiserror::Error;

/// What is kept of a token. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Its name: who or what it was issued for.
    pub name: String,
    /// What its holder may do.
    pub scope: Scope,
    /// What is kept of the secret.
    pub hash: SecretHash,
    /// When it was issued.
    pub created_at: u64,
    /// When it was last used, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<u64>,
    /// From when on it is refused. None: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
}

impl Caller {
    /// Whether the caller may do what needs this scope.
    ///
    /// # Errors
    /// [`Refused::TooSmall`] names both scopes.
    pub fn require(&self, needed: Scope) -> Result<(), Refused> {
        if self.scope.includes(needed) {
            return Ok(());
        }
        Err(Refused::TooSmall { name: self.name.clone(), needed, held: self.scope })
    }
}

/// Why a caller is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// No token is presented.
    #[error("no token: expected the header \"Authorization: Bearer plugbay_…\"")]
    Missing,
    /// What is presented can't be a token.
    #[error("no token: {0}; expected one header \"Authorization: Bearer plugbay_…\"")]
    Malformed(&'static str),
    /// The token was never issued, or is revoked.
    #[error("the token isn't known: it was never issued here, or is revoked")]
    Unknown,
    /// The token has expired.
    #[error("the token {name:?} has expired, {ago} ms ago: issue a new one")]
    Expired {
        /// The token's name.
        name: String,
        /// For how many milliseconds.
        ago: u64,
    },
    /// The token is good, but not for this.
    #[error("this needs {needed}, and the token {name:?} has {held}: issue one with {needed}")]
    TooSmall {
        /// The token's name.
        name: String,
        /// What is needed.
        needed: Scope,
        /// What the token has.
        held: Scope,
    },
}

/// Why no token is issued.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The name is none.
    #[error("{0:?} is no name for a token: expected 1 to 64 letters, digits, dots, hyphens and underscores, a letter or digit first")]
    Name(String),
    /// There is one of this name.
    #[error("there is a token {0:?} already: revoke it, or choose another name")]
    Taken(String),
    /// It would be refused from the start.
    #[error("the token would have expired {ago} ms ago: choose a later expiry")]
    Expired {
        /// For how many milliseconds.
        ago: u64,
    },
    /// The system has no randomness.
    #[error("the system gives no random bytes for a token: {0}")]
    Random(getrandom::Error),
}

/// The tokens of a host.
#[derive(Debug, Default)]
pub struct Tokens(Vec<Held>);

/// A token, and its use since it was taken from where it is kept.
#[derive(Debug)]
struct Held {
    record: TokenRecord,
    /// 0: never.
    last_used: AtomicU64,
    to_keep: AtomicBool,
}

impl Tokens {
    /// The tokens that were kept.
    #[must_use]
    pub fn from_records(records: Vec<TokenRecord>) -> Self {
        Self(records.into_iter().map(Held::new).collect())
    }

    /// Issues a token: its secret, which nobody can show again, and the record to keep. It is good from now on.
    ///
    /// # Errors
    /// Says what is wrong with the name or the expiry.
    pub fn issue(&mut self, name: &str, scope: Scope, expires_at: Option<u64>, now: u64) -> Result<(Secret, TokenRecord), IssueError> {
        if !is_name(name) {
            return Err(IssueError::Name(name.chars().take(80).collect()));
        }
        if self.0.iter().any(|held| held.record.name == name) {
            return Err(IssueError::Taken(name.to_owned()));
        }
        if let Some(ago) = expires_at.and_then(|at| now.checked_sub(at)) {
            return Err(IssueError::Expired { ago });
        }
        let secret = Secret::random().map_err(IssueError::Random)?;
        let hash = SecretHash::of(secret.reveal());
        let record = TokenRecord { name: name.to_owned(), scope, hash, created_at: now, last_used: None, expires_at };
        self.0.push(Held::new(record.clone()));
        Ok((secret, record))
    }

    /// Whose token this is, and what it may do. Notes the use.
    ///
    /// # Errors
    /// [`Refused::Unknown`] and [`Refused::Expired`].
    pub fn check(&self, presented: &str, now: u64) -> Result<Caller, Refused> {
        let Held { record, last_used, to_keep } = self.find(presented).ok_or(Refused::Unknown)?;
        if let Some(ago) = record.expires_at.and_then(|at| now.checked_sub(at)) {
            return Err(Refused::Expired { name: record.name.clone(), ago });
        }
        last_used.fetch_max(now, Ordering::Relaxed);
        to_keep.store(true, Ordering::Release);
        Ok(Caller { name: record.name.clone(), scope: record.scope })
    }

    /// Takes a token back; answers whether there was one of this name.
    pub fn revoke(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|held| held.record.name != name);
        self.0.len() < before
    }

    /// All tokens, in the order in which they were issued or kept.
    #[must_use]
    pub fn list(&self) -> Vec<TokenRecord> {
        self.0.iter().map(Held::record).collect()
    }

    /// The records of tokens that were used since this was last asked: to be kept now and then, since a write for each call would be too dear.
    #[must_use]
    pub fn take_used(&self) -> Vec<TokenRecord> {
        self.0.iter().filter(|held| held.to_keep.swap(false, Ordering::Acquire)).map(Held::record).collect()
    }

    /// Looks at every token, and branches on nothing before it has seen them all.
    fn find(&self, presented: &str) -> Option<&Held> {
        let hash = SecretHash::of(presented);
        let mut found = u64::MAX;
        for (at, held) in (0..).zip(&self.0) {
            found.conditional_assign(&at, held.record.hash.same(&hash));
        }
        usize::try_from(found).ok().and_then(|at| self.0.get(at))
    }
}

impl Held {
    fn new(record: TokenRecord) -> Self {
        Self { last_used: AtomicU64::new(record.last_used.unwrap_or(0)), to_keep: AtomicBool::new(false), record }
    }

    fn record(&self) -> TokenRecord {
        let last_used = Some(self.last_used.load(Ordering::Relaxed)).filter(|&at| at > 0);
        TokenRecord { last_used, ..self.record.clone() }
    }
}

fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(plain)
}
