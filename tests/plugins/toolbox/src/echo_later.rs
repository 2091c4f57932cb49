//! What the tool `echo` takes and answers, a version later: a text, and who answered.

use plugbay_sdk::prelude::*;

/// What to say.
#[plugbay_sdk::args]
pub(crate) struct EchoArgs {
    /// The text.
    text: String,
}

/// The answer.
pub(crate) fn answer(args: EchoArgs) -> Value {
    json!({ "later": args.text })
}
