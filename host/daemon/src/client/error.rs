//! Why a daemon didn't do what it was asked, or wasn't asked at all.

use super::Place;
use crate::api::types::Problem;
use std::io;
use thiserror::Error;

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody is there.
    #[error("no daemon answers at {place}: {source}; start one with `plugbay run`, or say where it is with --socket, --url or --config")]
    NoDaemon {
        /// Where.
        place: Place,
        /// What the system says.
        source: io::Error,
    },
    /// It can't be reached.
    #[error("can't connect to {place}: {source}")]
    Connect {
        /// Where.
        place: Place,
        /// What the system says.
        source: io::Error,
    },
    /// It takes too long.
    #[error("the daemon at {place} hasn't answered within {seconds} s; what was asked may be under way still")]
    Slow {
        /// Where.
        place: Place,
        /// How long was waited.
        seconds: u64,
    },
    /// The connection broke.
    #[error("the connection to {place} broke: {why}")]
    Broken {
        /// Where.
        place: Place,
        /// What broke it.
        why: String,
    },
    /// It refused.
    #[error("{}", problem.message)]
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        problem: Box<Problem>,
        /// The very text.
        text: String,
    },
    /// Something else answers.
    #[error("what answers at {place} is no daemon of this version: {why}")]
    Strange {
        /// Where.
        place: Place,
        /// What it said.
        why: String,
    },
    /// What comes can't be kept.
    #[error("what comes can't be written: {0}")]
    Write(#[source] io::Error),
    /// No token looks like that.
    #[error("the token has characters that no token has; give it as `plugbay tokens issue` printed it")]
    Token,
}
