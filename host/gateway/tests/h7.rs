//! Temporary.
#![cfg(test)]
#[path = "gateway/sessions/mod.rs"]
mod sessions;
#[path = "gateway/turns/mod.rs"]
mod turns;
