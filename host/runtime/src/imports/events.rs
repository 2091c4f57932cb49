//! `events`: agent events of the plugin's own. Run and session are those of the call; whose topic it is, the gateway knows by the plugin's id.

use super::{NOT_LIVE, View, checked};
use crate::grant::Grant;
use crate::services::{ServiceCode, ServiceError};
use crate::wire::plugbay::plugin::events::{Error, ErrorCode, Host};

fn error(code: ErrorCode, message: impl Into<String>) -> Error {
    Error { code, message: message.into() }
}

impl View<'_> {
    fn emit_event(&self, topic: &str, data: String) -> Result<(), Error> {
        if !self.guest.has(Grant::Events) {
            return Err(error(ErrorCode::Denied, "the operator denied the grant `events`"));
        }
        if !self.guest.may_change() {
            return Err(error(ErrorCode::NotLive, NOT_LIVE));
        }
        let data = checked("data", data).map_err(|message| error(ErrorCode::InvalidInput, message))?;
        self.guest.services().emit(&self.guest.caller(), topic, data).map_err(told)
    }
}

impl Host for View<'_> {
    fn emit(&mut self, topic: String, data: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.emit_event(&topic, data))
    }
}

fn told(failed: ServiceError) -> Error {
    let code = match failed.code {
        ServiceCode::InvalidInput => ErrorCode::InvalidInput,
        ServiceCode::ForeignTopic => ErrorCode::ForeignTopic,
        ServiceCode::LimitExceeded => ErrorCode::LimitExceeded,
        // Nobody listens: the run has ended, or this host has none.
        _ => ErrorCode::Closed,
    };
    error(code, failed.message)
}
