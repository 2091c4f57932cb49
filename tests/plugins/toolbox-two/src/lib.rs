//! Claims the tool name `add`, which `toolbox` has too, and one of its own.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

/// Two numbers.
#[plugbay_sdk::args]
struct Sum {
    a: i64,
    b: i64,
}

/// One number.
#[plugbay_sdk::args]
struct One {
    a: i64,
}

#[derive(Default)]
struct ToolboxTwo;

#[plugin]
impl ToolboxTwo {
    /// Adds two numbers, and says who did it.
    #[tool]
    fn add(&self, _: &Call, args: Sum) -> Value {
        json!({ "sum": args.a.wrapping_add(args.b), "by": "toolbox-two" })
    }

    /// Doubles a number.
    #[tool]
    fn double(&self, _: &Call, args: One) -> i64 {
        args.a.wrapping_mul(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_added() {
        assert_eq!(ToolboxTwo.add(&Call::default(), Sum { a: 1, b: 2 }), json!({ "sum": 3, "by": "toolbox-two" }));
        assert_eq!(ToolboxTwo.double(&Call::default(), One { a: 21 }), 42);
    }
}
