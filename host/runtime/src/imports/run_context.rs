//! `run-context`: a plugin's values of the run that its call belongs to. The runtime says which run; the gateway keeps the values.

use super::{NOT_LIVE, View, checked};
use crate::services::{Caller, ServiceCode, ServiceError};
use crate::wire::plugbay::plugin::run_context::{Error, ErrorCode, Host};

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl View<'_> {
    /// Who reads, in which run.
    fn in_run(&self) -> Result<Caller, Error> {
        let caller = self.guest.caller();
        if caller.run.is_some() {
            return Ok(caller);
        }
        let message = "the call belongs to no run: only calls of a turn have a run context".to_owned();
        Err(Error { code: ErrorCode::NoRun, message })
    }

    /// Who changes, in which run.
    fn changing_run(&self) -> Result<Caller, Error> {
        if self.guest.may_change() { self.in_run() } else { Err(Error { code: ErrorCode::NotLive, message: NOT_LIVE.to_owned() }) }
    }

    fn get_value(&self, name: &str) -> Result<Option<String>, Error> {
        let value = self.guest.services().run_value(&self.in_run()?, name).map_err(told)?;
        Ok(value.map(Into::into))
    }

    fn set_value(&self, name: &str, value: String) -> Result<(), Error> {
        let caller = self.changing_run()?;
        let value = checked("value", value).map_err(|message| Error { code: ErrorCode::InvalidInput, message })?;
        self.guest.services().set_run_value(&caller, name, Some(value)).map(drop).map_err(told)
    }

    fn unset_value(&self, name: &str) -> Result<bool, Error> {
        self.guest.services().set_run_value(&self.changing_run()?, name, None).map_err(told)
    }

    fn clear_values(&self) -> Result<(), Error> {
        self.guest.services().clear_run_values(&self.changing_run()?).map_err(told)
    }
}

impl Host for View<'_> {
    fn get(&mut self, name: String) -> Answer<Option<String>> {
        Ok(self.get_value(&name))
    }

    fn set(&mut self, name: String, value: String) -> Answer<()> {
        Ok(self.set_value(&name, value))
    }

    fn unset(&mut self, name: String) -> Answer<bool> {
        Ok(self.unset_value(&name))
    }

    fn clear(&mut self) -> Answer<()> {
        Ok(self.clear_values())
    }
}

fn told(error: ServiceError) -> Error {
    let code = match error.code {
        ServiceCode::InvalidInput => ErrorCode::InvalidInput,
        ServiceCode::LimitExceeded => ErrorCode::LimitExceeded,
        ServiceCode::NoRun => ErrorCode::NoRun,
        // A host that keeps no runs, or not this one any more: for all that a guest can do about it, the run is over.
        _ => ErrorCode::Closed,
    };
    Error { code, message: error.message }
}
