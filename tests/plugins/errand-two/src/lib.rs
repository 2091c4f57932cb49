//! Claims commands that others have: `ping`, which is `errand`'s, and `help`, which is the program's own.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

#[derive(Default)]
struct ErrandTwo;

#[plugin(id = "errand-two")]
impl ErrandTwo {
    /// Says that it is there, too.
    #[command(scopes("operator.read"))]
    fn ping(&self, _: &Call) -> &'static str {
        "pong, too"
    }

    /// Helps nobody.
    #[command]
    fn help(&self, _: &Call) -> &'static str {
        "no"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers() {
        assert_eq!((ErrandTwo.ping(&Call::default()), ErrandTwo.help(&Call::default())), ("pong, too", "no"));
    }
}
