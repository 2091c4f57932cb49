//! The gateway, with real guests.

#![cfg(test)]

mod approvals;
mod hooks;
mod model;
mod services;
mod sessions;
mod tools;
mod turns;
