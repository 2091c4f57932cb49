//! The gateway, with real guests.

#![cfg(test)]

mod approvals;
mod context;
mod dying;
mod hooks;
mod model;
mod services;
mod sessions;
mod subagents;
mod tools;
mod turns;
mod workflow;
