//! What is listed of files that plugins have handed over, as it goes in and comes out: plain data, checked by the rules and nowhere here.

use super::bounds::MOST;
use std::num::NonZeroUsize;

/// A delivery to be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id; that of no other delivery.
    pub id: String,
    /// The plugin that hands it over.
    pub plugin: String,
    /// The session's key.
    pub session: String,
    /// The life of it.
    pub life: String,
    /// The run in which it was handed over.
    pub run: Option<String>,
    /// JSON of the host's own: its files, their names and kinds.
    pub body: String,
    /// Bytes that the host counts it as.
    pub bytes: u64,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What was handed over.
    pub sent: NewDelivery,
    /// Its number: later deliveries have larger ones, and none comes twice.
    pub seq: u64,
    /// When it was listed, in milliseconds since 1970. Never earlier than the delivery before.
    pub at: u64,
}

/// Which deliveries: those that are all of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveriesQuery {
    /// To the session with this key only.
    pub session: Option<String>,
    /// Of this plugin only.
    pub plugin: Option<String>,
    /// With smaller numbers than this only.
    pub before: Option<u64>,
    /// Listed before this moment only.
    pub older_than: Option<u64>,
    /// How many at most; up to [`WorkBounds::ANSWER`](super::WorkBounds::ANSWER).
    pub limit: NonZeroUsize,
}

impl Default for DeliveriesQuery {
    /// Any, as many as an answer may hold.
    fn default() -> Self {
        Self { session: None, plugin: None, before: None, older_than: None, limit: MOST }
    }
}

impl DeliveriesQuery {
    /// The same, to this session only.
    #[must_use]
    pub fn to(self, session: &str) -> Self {
        Self { session: Some(session.into()), ..self }
    }

    /// The same, of this plugin only.
    #[must_use]
    pub fn of(self, plugin: &str) -> Self {
        Self { plugin: Some(plugin.into()), ..self }
    }

    /// The same, with smaller numbers than this only.
    #[must_use]
    pub fn before(self, seq: u64) -> Self {
        Self { before: Some(seq), ..self }
    }

    /// The same, listed before this moment only.
    #[must_use]
    pub fn older_than(self, at: u64) -> Self {
        Self { older_than: Some(at), ..self }
    }
}
