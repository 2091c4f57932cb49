//! Sessions: seen, reset, deleted, and the end of the gateway.

mod ends;
mod views;
