//! Write a Plugbay plugin in plain Rust: one `impl` block, one `.wasm` file.
//!
//! What it is for: the methods of the block are what the plugin exports, so a hook is there when its method is. There is no WIT, no
//! `unsafe` and no JSON to write by hand.
//!
//! ```
//! use plugbay_sdk::prelude::*;
//!
//! #[derive(Default)]
//! struct NoShell;
//!
//! #[plugin]
//! impl NoShell {
//!     /// Blocks the tool `shell`.
//!     #[hook(priority = 10, tools("shell"))]
//!     fn before_tool_call(&mut self, call: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
//!         Ok(Some(ToolDecision::block("no shell here")))
//!     }
//! }
//!
//! // The methods stay what they are, so a test calls them.
//! let decision = NoShell.before_tool_call(&Call::default(), ToolCall::new("shell", r#"{"command":"ls"}"#)).unwrap();
//! assert_eq!(decision.unwrap().block.unwrap().reason, "no shell here");
//! ```
//!
//! `cargo build --release --target wasm32-wasip2`, with `crate-type = ["cdylib", "rlib"]`, makes the component.
//!
//! # The methods
//!
//! | method | when |
//! |---|---|
//! | `activate(activation: &Activation, settings: YourSettings) -> Result<Self>` | a new cell; without it `Self: Default`. Without the second parameter there are no settings |
//! | `deactivate(&mut self, reason: DeactivationReason)` | a cell ends in good order, unless it was made for one call |
//! | `started(&mut self, reason: ActivationReason) -> Result<()>` | once, after the version went live |
//! | `save(&mut self) -> Result<Vec<u8>>`, `restore(&mut self, from_version: &str, saved: Vec<u8>) -> Result<()>` | memory goes from one version to the next; both or neither |
//! | a hook that may answer: `(&mut self, call: &Call, event: …) -> Result<Option<…>>` | `before_tool_call`, `before_prompt_build` … |
//! | a hook that only looks: `(&mut self, call: &Call, event: …) -> Result<()>` | `message_received`, `agent_end` … |
//! | a context engine's function: `(&mut self, call: &Call, event: …) -> Result<…>` | `context_assemble` …; who has one has three |
//! | `timers(&mut self, call: &Call, event: Timer) -> Result<()>` | a timer is due that the plugin set with [`schedule`] |
//! | a tool, with `#[tool]` on it: `(&mut self, call: &Call, args: YourArgs) -> Result<…>` | the model calls it |
//! | an action, with `#[action]` on it: `(&mut self, call: &Call, params: YourParams) -> Result<ActionResult>` | a person wants it done, by a button, on the command line or over HTTP |
//! | a command, with `#[command]` on it: `(&mut self, call: &Call, args: &str) -> Result<CommandAnswer>` | a person who talks with the agent gives it: `/deploys staging` |
//!
//! `&self` does as well, and tools, actions and commands that take nothing leave the last parameter out. An error may be anything that is `Display`; where nothing can fail, leave the `Result` away. A hook's method is named as
//! the hook is; [`hooks`] has them all, with their events and outcomes. Other methods live in another `impl` block.
//!
//! # Options
//!
//! - `#[plugin(id = "…", version = "…", isolation(shared, pool, session, call), session_state(name = "what it holds"))]`: the first two default to
//!   Cargo.toml's; `isolation` says how the code may be kept, and defaults to `shared`, one long-lived cell; `session_state` names what
//!   [`session_state`] keeps. A context engine may say more: `context_engine(owns_compaction, maintenance = "foreground")`.
//! - `ui(id = "panel", surface = "session", label = "Deploys", actions("approve"))` among them, as often as there is something to show, tells a page what to draw where. A surface is one of
//!   `session`, `tool`, `run`, `settings`, `tab` and `widget`; `description`, `icon`, `order`, `namespace`, `tools(…)` and `scopes(…)` may be said too.
//! - `#[hook(priority = 10, budget_ms = 500, tools("shell", "exec"))]` on a hook; `topics("tool")` on `agent_events`. `budget_ms` can only be less than
//!   the hook's own budget: more is the operator's to give. The gateway goes by priority, tools and topics; a test that calls the method doesn't.
//! - `#[tool(name = "…", title = "…", risk = "low", tags("…"))]` on a tool. Its description is the doc comment, which it has to have.
//! - `#[action(id = "…", title = "…", scopes("operator.admin"))]` on an action; its id is the method's name with `-` for `_`, and its title the id in words, if they aren't said. Its description is the doc comment.
//! - `#[command(name = "…", args = "<environment>", scopes("operator.admin"))]` on a command; the first line of its doc comment, 80 characters, describes it. `args` says what stands behind it, for one that takes something.
//!   A scope is `operator.read`, `operator.write` (which is needed if none is said) or `operator.admin`.
//!
//! # Tools
//!
//! ```
//! use plugbay_sdk::prelude::*;
//!
//! /// Two numbers.
//! #[plugbay_sdk::args]
//! struct Sum {
//!     a: i64,
//!     b: i64,
//! }
//!
//! #[derive(Default)]
//! struct Sums;
//!
//! #[plugin(id = "sums")]
//! impl Sums {
//!     /// Adds two numbers.
//!     #[tool(risk = "low")]
//!     fn add(&mut self, _: &Call, args: Sum) -> Result<i64> {
//!         args.a.checked_add(args.b).ok_or_else(|| Error::new("too large"))
//!     }
//! }
//!
//! assert_eq!(Sums.add(&Call::default(), Sum { a: 2, b: 3 }), Ok(5));
//! ```
//!
//! # Actions and commands
//!
//! ```
//! use plugbay_sdk::prelude::*;
//!
//! /// What was decided.
//! #[plugbay_sdk::args]
//! struct Decided {
//!     /// Why, for the agent.
//!     #[serde(default)]
//!     note: String,
//! }
//!
//! #[derive(Default)]
//! struct Deploys;
//!
//! #[plugin(id = "deploys", ui(id = "panel", surface = "session", label = "Deploys", actions("approve")))]
//! impl Deploys {
//!     /// Lets the deploy that waits go on.
//!     #[action(title = "Approve the deploy")]
//!     fn approve(&mut self, _: &Call, params: Decided) -> Result<ActionResult> {
//!         Ok(ActionResult::done().reply(format!("Approved. {}", params.note)).continue_agent())
//!     }
//!
//!     /// What was deployed to an environment.
//!     #[command(args = "<environment>", scopes("operator.read"))]
//!     fn deploys(&self, _: &Call, environment: &str) -> String {
//!         format!("nothing yet to {environment}")
//!     }
//! }
//!
//! let approved = Deploys.approve(&Call::default(), Decided { note: "Go.".into() }).unwrap();
//! assert_eq!(approved, ActionResult::done().reply("Approved. Go.").continue_agent());
//! assert_eq!(Deploys.deploys(&Call::default(), "staging"), "nothing yet to staging");
//! ```
//!
//! # Settings
//!
//! ```
//! use plugbay_sdk::prelude::*;
//!
//! /// What the operator sets.
//! #[plugbay_sdk::settings]
//! struct Settings {
//!     /// Where to report to.
//!     channel: String,
//!     /// Never printed.
//!     #[secret]
//!     token: Option<String>,
//! }
//!
//! struct Reporter {
//!     settings: Settings,
//! }
//!
//! #[plugin(id = "reporter")]
//! impl Reporter {
//!     fn activate(_: &Activation, settings: Settings) -> Result<Self> {
//!         Ok(Self { settings })
//!     }
//!
//!     fn message_received(&mut self, _: &Call, event: Message) -> Result<()> {
//!         log::info!("for {}: {}", self.settings.channel, event.text.as_str()?);
//!         Ok(())
//!     }
//! }
//! ```
//!
//! Nested structs and enums have `#[plugbay_sdk::settings]` on them too. A type that contains itself compiles, and a host refuses the plugin: its
//! schema has no end.
//!
//! What it costs: a plugin with one hook is about 62 KiB of wasm; settings, or what a tool or an action takes, add serde_json and the schema, about 140 KiB. A call costs one `RefCell`
//! borrow beside the conversion of its arguments.
//!
//! How it fails: a misspelt method, a wrong signature or a bad option is a compile error at that place. At run time everything is a
//! `Result`; a call before `activate` is an `Err`. A panic ends the cell, and the host makes a new one.
//!
//! What is to outlive a cell goes into a [`Store`], what a turn remembers into [`run_context`], what a session does into [`session_state`].
//! [`injections`] tell the agent something, [`events`] everybody who watches. [`model`] asks a model, [`subagents`] have agents of their own work; [`tokens`] counts. [`schedule`] wakes the agent or the plugin later, [`attachments`] are files for people.
//!
//! Natively (in an author's tests) the log goes to stderr, `config::get` answers none, and what the others keep is in memory: each has a module `fake`.

// So that `::plugbay_sdk` in what the macros write means this crate in its own tests, too.
extern crate self as plugbay_sdk;

mod action;
mod answer;
pub mod attachments;
mod call;
mod command;
pub mod config;
mod error;
pub mod events;
pub mod injections;
pub mod log;
pub mod model;
mod occasions;
mod outcomes;
mod payload;
mod refusal;
pub mod run_context;
pub mod schedule;
pub mod session_state;
pub mod sessions;
mod settings;
mod slot;
pub mod store;
pub mod subagents;
pub mod tokens;
mod tool;
mod transcript;
mod value;

/// The generated bindings: one module for the imports, and one for each interface that a plugin may export.
#[doc(hidden)]
#[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated")]
pub mod bindings {
    plugbay_sdk_macros::bindings! {}
}

/// The authors' page on stores: its examples are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/store.md")]
struct StorePage;

/// The authors' guide: the same.
#[cfg(doctest)]
#[doc = include_str!("../docs/authors.md")]
struct AuthorsPage;

/// The page on workflow: the same.
#[cfg(doctest)]
#[doc = include_str!("../docs/workflow.md")]
struct WorkflowPage;

/// The page on hooks: the same.
#[cfg(doctest)]
#[doc = include_str!("../docs/hooks.md")]
struct HooksPage;

/// What each hook is told and may answer, by the hook's name.
pub mod hooks {
    plugbay_sdk_macros::hooks! {}
}

/// What `#[plugin]` and `#[settings]` write into the author's crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::answer::{fallible, not_offered};
    pub use crate::bindings::imports::plugbay::plugin::types::CallContext;
    pub use crate::settings::{read_settings, schema_of};
    pub use crate::slot::Slot;
    pub use crate::tool::{read_args, shown};
    pub use schemars;
    pub use serde;
}

pub use action::IntoActionResult;
pub use answer::IntoAnswer;
pub use attachments::Attachment;
pub use bindings::commands::exports::plugbay::plugin::commands::Outcome as CommandAnswer;
pub use bindings::imports::plugbay::plugin::types::{
    ActivationReason, ApprovalRequest, Cause, CauseKind, Decision, Entry, Outline, Payload, Placement, Principal, Role, SessionError,
    Severity, Text, Trigger, Truncated,
};
pub use bindings::plugin::exports::plugbay::plugin::plugin::{Activation, DeactivationReason};
pub use bindings::session_actions::exports::plugbay::plugin::session_actions::{
    Failure as ActionFailure, Outcome as ActionResult, Success as ActionSuccess,
};
pub use bindings::tools::exports::plugbay::plugin::tools::ToolResult;
pub use call::Call;
pub use command::IntoCommandAnswer;
pub use error::{Error, Result};
pub use hooks::names::*;
pub use injections::Injection;
pub use plugbay_sdk_macros::{args, plugin, settings};
pub use refusal::Refusal;
pub use serde_json::{Map, Value, json};
pub use sessions::Session;
pub use settings::Settings;
pub use store::Store;
pub use tool::{Args, IntoToolResult};
pub use transcript::Transcript;

/// All that a usual plugin needs: `use plugbay_sdk::prelude::*;`
pub mod prelude {
    pub use crate::hooks::names::*;
    pub use crate::{
        ActionFailure, ActionResult, ActionSuccess, Activation, ActivationReason, Attachment, Call, CommandAnswer, DeactivationReason,
        Entry, Error, Injection, Map, Outline, Payload, Result, Role, Session, Severity, Store, Text, ToolResult, Transcript, Trigger,
        Value, attachments, config, events, hooks, injections, json, log, model, plugin, run_context, schedule, session_state, sessions,
        store, subagents, tokens,
    };
}
