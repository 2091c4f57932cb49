//! `sessions`: handles of sessions that the plugin has met. Which it has met is the gateway's to know; a handle is the plugin's own until it drops it.

use super::View;
use crate::call::Session;
use crate::services::{ServiceCode, ServiceError};
use crate::wire::plugbay::plugin::sessions::{Error, ErrorCode, Host};
use wasmtime::component::Resource;

impl Host for View<'_> {
    async fn open(&mut self, key: String) -> wasmtime::Result<Result<Resource<Session>, Error>> {
        let caller = self.guest.caller();
        match self.guest.services().open_session(&caller, &key).await {
            Ok(session) => Ok(Ok(self.table.push(session)?)),
            Err(error) => Ok(Err(told(error))),
        }
    }
}

fn told(error: ServiceError) -> Error {
    let code = match error.code {
        ServiceCode::Unknown => ErrorCode::Unknown,
        ServiceCode::Gone => ErrorCode::Gone,
        _ => ErrorCode::Failed,
    };
    Error { code, message: error.message }
}
