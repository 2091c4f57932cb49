//! The bench guest and its rows: how long each of many deeds takes within one call, on our side and on the raw one.
//!
//! The call without any deed (it opens the namespace as well) is taken off, on both sides.

use super::hook_call::{context, raw_tool_call};
use super::keyed_sql::{NAMESPACE, keys, value};
use super::raw::Cell;
use super::raw::wire::exports::plugbay::plugin::before_tool_call::Guest;
use super::raw::wire::plugbay::plugin::types::CallContext;
use super::rounds::per;
use super::stage::{Stage, Told};
use crate::lab::tool_call;
use anyhow::Result;
use plugbay_runtime::state::{KeyedStore, Options, Owner};
use plugbay_runtime::{BeforeToolCall, Call};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The plugin, which is the owner of the rows.
pub(super) const OWNER: &str = "bench-guest";

/// How many rows there are; the guest's own number.
pub(super) const ROWS: usize = 100;

/// The guest in a host.
pub(super) struct Ours {
    stage: Stage,
    call: Call,
    /// The guest's namespace, from the host.
    pub(super) store: Arc<dyn KeyedStore>,
}

impl Ours {
    /// A guest whose rows are all there.
    pub(super) async fn filled() -> Result<Self> {
        let stage = Stage::bench_guest().await?;
        let store = stage.lab.state.open(&Owner::new(OWNER)?, NAMESPACE, Options::up_to(1_000)).await?;
        for key in keys(ROWS) {
            store.register(&key, value(), None).await?;
        }
        Ok(Self { stage, call: Call::new(), store })
    }

    /// Where the rows are.
    pub(super) fn folder(&self) -> PathBuf {
        self.stage.lab.folder().join("state")
    }

    /// Nanoseconds of each deed.
    pub(super) async fn each(&self, deed: &str, times: u32) -> Result<f64> {
        let without = self.timed(deed, 0).await?;
        let with = self.timed(deed, times).await?;
        Ok(per(with.saturating_sub(without), times))
    }

    async fn timed(&self, deed: &str, times: u32) -> Result<Duration> {
        let event = tool_call(&format!("{deed}:{times}"), &json!({}));
        let start = Instant::now();
        self.stage.plugin.call(&self.call, &event).await?;
        Ok(start.elapsed())
    }

    /// The same guest, raw.
    pub(super) async fn raw(&self) -> Result<Raw> {
        let mut cell = self.stage.maker.cell(&self.stage.activation).await?;
        let hook = self.stage.maker.tool_call()?.load(&mut cell.store, &cell.instance)?;
        Ok(Raw { cell, hook, context: context::<BeforeToolCall>(Told::Cause) })
    }
}

/// The guest in a raw instance, whose store is none.
pub(super) struct Raw {
    cell: Cell,
    hook: Guest,
    context: CallContext,
}

impl Raw {
    /// Nanoseconds of each deed.
    pub(super) async fn each(&mut self, deed: &str, times: u32) -> Result<f64> {
        let without = self.timed(deed, 0).await?;
        let with = self.timed(deed, times).await?;
        Ok(per(with.saturating_sub(without), times))
    }

    async fn timed(&mut self, deed: &str, times: u32) -> Result<Duration> {
        let event = raw_tool_call(&format!("{deed}:{times}"), "{}");
        let start = Instant::now();
        let answer = self.hook.call_handle(&mut self.cell.store, &self.context, &event).await?.map_err(anyhow::Error::msg)?;
        let taken = start.elapsed();
        answer.map_or(Ok(taken), |_| Err(anyhow::anyhow!("the guest has nothing to say to `{deed}`")))
    }
}
