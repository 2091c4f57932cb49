//! Dispatch, seen through what guests see and what receipts say.

mod asking;
mod failing;
mod json;
mod receipts;
mod required;
mod rules;
mod stage;
mod telling;
