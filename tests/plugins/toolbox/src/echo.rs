//! What the tool `echo` takes and answers: any object, as it is.

use plugbay_sdk::prelude::*;

/// Any object.
pub(crate) type EchoArgs = Map<String, Value>;

/// The answer.
pub(crate) fn answer(args: EchoArgs) -> Value {
    Value::Object(args)
}
