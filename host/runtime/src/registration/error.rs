//! Why the answer of `describe` doesn't count.

use super::UiSurface;
use thiserror::Error;

/// Why the answer of `describe` doesn't count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// Two runs, two answers.
    #[error("its two answers differ at byte {at}: it must be pure")]
    Differs {
        /// The first byte that differs.
        at: usize,
    },
    /// It isn't JSON, or beyond the bounds.
    #[error("its answer is no good: {0}")]
    Json(#[from] crate::json::JsonError),
    /// The schema refuses it.
    #[error("its answer isn't what wit/registration.schema.json says: {0}")]
    Schema(String),
    /// It names a hook that isn't exported.
    #[error("it names the hook `{0}`, which the component doesn't export")]
    NotExported(String),
    /// It names a hook twice.
    #[error("it names the hook `{0}` twice")]
    Twice(String),
    /// It restricts a hook to what the hook isn't about.
    #[error("it names `{only}` for the hook `{hook}`, which isn't about {only}: leave them out there")]
    OffSubject {
        /// The hook.
        hook: String,
        /// `tools` or `topics`.
        only: &'static str,
    },
    /// It registers tools, and nobody could call them.
    #[error("it names {0} tools, and the component doesn't export `tools`")]
    ToolsNotExported(usize),
    /// It exports `tools`, and has none.
    #[error("the component exports `tools`, and it names no tool")]
    NoTools,
    /// It names a tool twice.
    #[error("it names the tool `{0}` twice")]
    ToolTwice(String),
    /// The schema for a tool's arguments is none.
    #[error("the `parameters` of its tool `{tool}` are no JSON Schema of an object: {problem}")]
    Parameters {
        /// The tool.
        tool: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It registers actions, and nobody could have them done.
    #[error("it names {0} actions, and the component doesn't export `session-actions`")]
    ActionsNotExported(usize),
    /// It exports `session-actions`, and has none.
    #[error("the component exports `session-actions`, and it names no action")]
    NoActions,
    /// It names an action twice.
    #[error("it names the action `{0}` twice")]
    ActionTwice(String),
    /// The schema for an action's parameters is none.
    #[error("the `params` of its action `{action}` are no JSON Schema: {problem}")]
    ActionParams {
        /// The action.
        action: String,
        /// Where in the schema, and what is wrong there.
        problem: String,
    },
    /// It registers commands, and nobody could give them.
    #[error("it names {0} commands, and the component doesn't export `commands`")]
    CommandsNotExported(usize),
    /// It exports `commands`, and has none.
    #[error("the component exports `commands`, and it names no command")]
    NoCommands,
    /// It names a command twice.
    #[error("it names the command `{0}` twice")]
    CommandTwice(String),
    /// It names an element of `ui` twice.
    #[error("it names `{0}` in `ui` twice")]
    UiTwice(String),
    /// An element of `ui` is about something that the plugin doesn't register.
    #[error("`{ui}` in its `ui` is about the {what} `{name}`, which it doesn't register")]
    UiUnknown {
        /// The element.
        ui: String,
        /// `action`, `tool` or `namespace`.
        what: &'static str,
        /// What it is called there.
        name: String,
    },
    /// An element of `ui` is about tools where none are shown.
    #[error("`{ui}` in its `ui` names `tools`, and its surface is `{surface}`: only one with the surface `tool` is about tools")]
    UiTools {
        /// The element.
        ui: String,
        /// Its surface.
        surface: UiSurface,
    },
    /// It names a namespace twice.
    #[error("it names the namespace `{0}` of `session-state` twice")]
    NamespaceTwice(String),
    /// It shows state of sessions, and has none.
    #[error("the component exports `session-projection`, and it names no namespace in `session-state`")]
    NoNamespaces,
    /// It is half a context engine.
    #[error(
        "the component exports `{has}`, and no `{lacks}`: a context engine has `context-ingest`, `context-assemble` and `context-compact`"
    )]
    HalfAnEngine {
        /// What it exports.
        has: &'static str,
        /// What it lacks.
        lacks: &'static str,
    },
    /// It serves as context engine and doesn't say how, or the other way round.
    #[error("`context-engine` is said exactly if the component exports `context-assemble`")]
    EngineUnsaid,
    /// Its schema for the settings is none.
    #[error("its `config` is no JSON Schema: {0}")]
    Config(String),
}
