//! Blocks the tool `shell`: the smallest useful plugin, and the measure of what a hook costs.

use plugbay_sdk::prelude::*;

#[derive(Default)]
struct NoShell;

#[plugin]
impl NoShell {
    /// Blocks the tool `shell`.
    #[hook(priority = 10, tools("shell"))]
    fn before_tool_call(&mut self, _: &Call, _: ToolCall) -> Option<ToolDecision> {
        Some(ToolDecision::block("no shell here"))
    }
}
