//! How many subagents there may be, and what becomes of them when what they work for is over.

/// Bounds of subagents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubagentsSettings {
    /// Subagents of one plugin (setting `agent.subagents.each-plugin`).
    pub each_plugin: usize,
    /// How deep they go: the run of a subagent that runs one is one deeper (setting `agent.subagents.depth`).
    pub depth: u32,
    /// Their runs at a time, of all plugins, those that wait included (setting `agent.subagents.at-once`).
    pub at_once: usize,
    /// Whether they stay, and go on, when the turn that set them to work is cancelled, and when the session that they work for is reset or deleted (setting `agent.subagents.outlive`).
    pub outlive: bool,
}

impl Default for SubagentsSettings {
    /// Eight of a plugin, three deep, eight runs at a time; they end with what they work for.
    fn default() -> Self {
        Self { each_plugin: 8, depth: 3, at_once: 8, outlive: false }
    }
}
