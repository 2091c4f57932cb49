//! What stands in for the host's model in an author's own tests.
//!
//! What it is for: a test says what is answered, and looks at what its plugin asked. What it costs: nothing. How it fails: as the host does, with the same bounds; where no
//! answer waits, by `failed`. Not here: grants, `not-live`, times. Nothing outlives the thread, which in `cargo test` is one test's.

use super::Request;
use super::contract::{Completion, Error, Request as Asking};
use crate::tokens;
use std::cell::RefCell;
use std::collections::VecDeque;

/// The kinds of failures, for [`refuse`].
pub use super::contract::ErrorCode;

thread_local! {
    static ANSWERS: RefCell<VecDeque<Result<String, Error>>> = RefCell::default();
    static ASKED: RefCell<Vec<Request>> = RefCell::default();
}

/// The model will answer this, after what waits already.
pub fn answer(text: impl Into<String>) {
    ANSWERS.with_borrow_mut(|answers| answers.push_back(Ok(text.into())));
}

/// There will be no answer, for this reason, after what waits already.
pub fn refuse(code: ErrorCode, message: impl Into<String>) {
    ANSWERS.with_borrow_mut(|answers| answers.push_back(Err(Error { code, message: message.into() })));
}

/// Takes what was asked since the last time, oldest first.
pub fn asked() -> Vec<Request> {
    ASKED.take()
}

fn check(request: &Asking) -> Result<(), Error> {
    let refused = |message: String| Err(Error { code: ErrorCode::InvalidInput, message });
    let instructions = request.system_prompt.as_ref().map_or(0, String::len);
    match request.message.len() {
        _ if request.message.trim().is_empty() => refused("the message is empty".into()),
        more if more > 256 << 10 => refused(format!("bytes of the message: {more} wanted, {} allowed", 256 << 10)),
        _ if instructions > 64 << 10 => refused(format!("bytes of the system prompt: {instructions} wanted, {} allowed", 64 << 10)),
        _ if request.timeout_ms == Some(0) => refused("`timeout-ms` is 1 at least".into()),
        _ => Ok(()),
    }
}

pub(super) fn complete(request: &Asking) -> Result<Completion, Error> {
    check(request)?;
    ASKED.with_borrow_mut(|asked| asked.push(Request(request.clone())));
    let none = || Err(Error { code: ErrorCode::Failed, message: "no answer waits: `model::fake::answer` says what is answered".into() });
    let text = ANSWERS.with_borrow_mut(VecDeque::pop_front).unwrap_or_else(none)?;
    let read = tokens::of_message(&request.message) + request.system_prompt.as_deref().map_or(0, tokens::of_message);
    let (input_tokens, output_tokens) = (Some(read), Some(tokens::count(&text)));
    Ok(Completion { text, model: "fake".into(), input_tokens, output_tokens, attrs: Vec::new() })
}
