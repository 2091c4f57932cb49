//! The HTTP interface as clients see it: real sockets, a real host, and every answer held against the OpenAPI document.

#![cfg(test)]

mod actions;
mod admission;
mod agents;
mod bodies;
mod client;
mod contract;
mod embedded;
mod ending;
mod following;
mod jobs;
mod metrics;
mod outbox;
mod places;
mod sessions;
mod stage;
mod walk;
