//! Agents that plugins can steer: hooks that fire in their places, sessions and turns, tools, approvals.

pub use plugbay_runtime as runtime;
