//! `model`: one answer of the host's model. Who asks at the same time, and how long an answer takes, is the gateway's to bound; what is asked is bounded here. A call that is cut
//! drops its question.

use super::{NOT_LIVE, View};
use crate::grant::Grant;
use crate::guest::Guest;
use crate::services::{CompletionRequest, ServiceCode, ServiceError};
use crate::wire::plugbay::plugin::model::{Completion, Error, ErrorCode, Host, Request};

/// Bytes of a message.
const MESSAGE: usize = 256 << 10;
/// Bytes of instructions.
const INSTRUCTIONS: usize = 64 << 10;

fn error(code: ErrorCode, message: impl Into<String>) -> Error {
    Error { code, message: message.into() }
}

impl Host for View<'_> {
    async fn complete(&mut self, request: Request) -> wasmtime::Result<Result<Completion, Error>> {
        Ok(complete(self.guest, request).await)
    }
}

async fn complete(guest: &Guest, request: Request) -> Result<Completion, Error> {
    if !guest.has(Grant::Model) {
        return Err(error(ErrorCode::Denied, "the operator denied the grant `model`"));
    }
    if !guest.may_change() {
        return Err(error(ErrorCode::NotLive, NOT_LIVE));
    }
    let Request { message, system_prompt, timeout_ms, attrs: _ } = request;
    within("message", Some(&message), MESSAGE)?;
    within("system-prompt", system_prompt.as_ref(), INSTRUCTIONS)?;
    if message.trim().is_empty() || timeout_ms == Some(0) {
        return Err(error(ErrorCode::InvalidInput, "complete: `message` must say something, and `timeout-ms` is 1 at least"));
    }
    let request = CompletionRequest { message, system_prompt, timeout_ms };
    let said = guest.services().complete(&guest.caller(), request).await.map_err(told)?;
    let (text, model, input_tokens, output_tokens) = (said.text, said.model, said.input_tokens, said.output_tokens);
    Ok(Completion { text, model, input_tokens, output_tokens, attrs: Vec::new() })
}

fn within(field: &str, text: Option<&String>, most: usize) -> Result<(), Error> {
    match text.map_or(0, String::len) {
        bytes if bytes > most => Err(error(ErrorCode::InvalidInput, format!("complete: `{field}` has {bytes} bytes, {most} are allowed"))),
        _ => Ok(()),
    }
}

fn told(failed: ServiceError) -> Error {
    let code = match failed.code {
        ServiceCode::InvalidInput => ErrorCode::InvalidInput,
        ServiceCode::TimedOut => ErrorCode::TimedOut,
        ServiceCode::TooLong => ErrorCode::TooLong,
        _ => ErrorCode::Failed,
    };
    error(code, failed.message)
}
