//! `tokens`: how much of a model's window text takes. A tokenizer is the gateway's to have; counting costs about what it costs to copy the text, and is charged to the call's time.

use super::View;
use crate::wire::plugbay::plugin::tokens::Host;

impl Host for View<'_> {
    fn count(&mut self, text: String) -> wasmtime::Result<u64> {
        Ok(self.guest.services().count_tokens(&text))
    }
}
