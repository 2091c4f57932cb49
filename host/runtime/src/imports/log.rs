//! `log`: lines into the plugin's log. A level that isn't kept costs a comparison.

use super::View;
use crate::wire::plugbay::plugin::log::{Host, Level};
use plugbay_engine as engine;

impl Host for View<'_> {
    fn enabled(&mut self, level: Level) -> wasmtime::Result<bool> {
        Ok(self.guest.log().enabled(kept_as(level)))
    }

    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.guest.log().write(kept_as(level), &message);
        Ok(())
    }
}

const fn kept_as(level: Level) -> engine::Level {
    match level {
        Level::Trace => engine::Level::Trace,
        Level::Debug => engine::Level::Debug,
        Level::Info => engine::Level::Info,
        Level::Warn => engine::Level::Warn,
        Level::Error => engine::Level::Error,
    }
}
