//! Approvals: settled once, by whom, in time, and told to the plugin that asked.

mod guests;
mod rules;
