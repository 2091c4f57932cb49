//! `config`: the plugin's own settings. They are text already, so that an answer is one look-up and one copy.

use super::View;
use crate::wire::plugbay::plugin::config::Host;

impl Host for View<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.guest.config().get(&name).map(str::to_owned))
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        Ok(self.guest.config().text().to_owned())
    }
}
