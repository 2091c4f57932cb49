//! A later version of `errand` that has no timers any more: what the earlier one set would never be told to anybody.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

#[derive(Default)]
struct Errand;

#[plugin(id = "errand", isolation(shared, pool, session, call))]
impl Errand {
    /// Greets, without a name.
    #[action]
    fn greet(&self, _: &Call) -> &'static str {
        "Hello."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_greets() {
        assert_eq!(Errand.greet(&Call::default()), "Hello.");
    }
}
