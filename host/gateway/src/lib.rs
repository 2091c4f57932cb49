//! Agents that plugins can steer: hooks that fire in their places, sessions and turns, tools, approvals.
//!
//! A [`Gateway`] runs plugins, sessions and turns; [`Gateway::turn`] is a whole turn with the gateway's own loop. Those who have a loop of their own use
//! [`Hooks`], [`Tools`] and [`Gateway::prepare_turn`]: see `examples/gateway.rs`. What costs and fails how is said where it lives: in [`Hooks`], in [`Tools`], in
//! [`Turn`]. Nothing here ends a turn without saying so in the session's transcript.
//!
//! ```
//! use plugbay_gateway::runtime::engine::{CompileIn, Engine, EngineSettings};
//! use plugbay_gateway::runtime::state::Memory;
//! use plugbay_gateway::{Gateway, GatewaySettings, TurnAsked};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A program names itself as the compiler (`CompileIn::Child`), and keeps its state in a file (`Sqlite`).
//! let engine = Engine::new(EngineSettings { cells: 10, ..EngineSettings::new(CompileIn::Thread) })?;
//! let gateway = Gateway::new(engine, Arc::new(Memory::default()), GatewaySettings::default())?;
//! // Here it loads plugins: `gateway.plugins().load_folder(…)`.
//! gateway.start().await?;
//! let turn = gateway.turn(TurnAsked::said("main", "example", "say Good morning.")).await?;
//! assert_eq!(turn.ended().await.message.as_deref(), Some("Good morning."));
//! gateway.shutdown(Duration::from_secs(5), None).await;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod actions;
mod approvals;
mod completions;
mod context;
mod desk;
mod finalize;
mod gateway;
mod hooks;
mod injections;
pub mod model;
mod outbox;
mod runs;
mod schedule;
mod session_state;
mod sessions;
mod subagents;
mod tokens;
mod tools;
mod turn;

pub use actions::{
    Act, ActError, Acted, ActionSet, Actions, CommandAnswered, Invoked, ListedAction, ListedCommand, ListedUi, RESERVED_COMMANDS,
};
pub use approvals::{ApprovalAnswer, ApprovalEvent, Approvals, ApprovalsSettings, PendingApproval, ResolveError, Settled, Wanted};
pub use context::{CompactionReport, ContextView, Contexts, Quarantined, ServingEngine};
pub use desk::{Binding, Desk, SessionHandles, tell_cleanup};
pub use finalize::{Revisions, Ruling};
pub use gateway::{Gateway, GatewayError, GatewaySettings, Recovered};
pub use hooks::{
    Dispatched, Failure, Hooks, HooksSettings, InJson, InJsonError, ObserversSettings, QueueView, Ran, Receipt, ReceiptsSettings, Said,
    Skip, Skipped, Words,
};
pub use outbox::{
    DeliveredFile, Deliveries, DeliveryView, Draft, FolderOutbox, Outbox, OutboxError, OutboxReply, OutboxSettings, Packed, Parcel,
};
pub use plugbay_runtime as runtime;
pub use runs::{HostTopic, RunAbout, RunGuard, RunTaken, Runs};
pub use schedule::{JobView, Schedule, ScheduleClock, ScheduleSettings};
pub use session_state::{PatchError, Patched, SessionState};
pub use sessions::{EntryView, RunView, SessionView, ShownState};
pub use subagents::SubagentsSettings;
pub use tokens::Tokens;
pub use tools::{Clash, ListedTool, ToolEnd, ToolSet, Tools};
pub use turn::{AnswerTo, PreparedTurn, Turn, TurnAsked, TurnEnd, TurnError, TurnEvent, TurnStatus};
