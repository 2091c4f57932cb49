//! The client for OpenAI-compatible servers, against a server that speaks the real wire format.

mod answers;
mod ending;
mod failures;
mod requests;
mod retries;
mod secrets;
mod stage;
mod times;
