//! A gateway for benchmarks: state in a file, compiled code in a cache, the plugins that a row wants, and the offline model.

use super::timed::{TimedModel, TimedState, Watch};
use anyhow::{Result, ensure};
use plugbay_gateway::model::Models;
use plugbay_gateway::{Gateway, GatewaySettings, TurnAsked, TurnStatus};
use plugbay_runtime::engine::{CacheSettings, CompileIn, Engine, EngineSettings};
use plugbay_runtime::state::{Sqlite, SqliteSettings};
use plugbay_runtime::{Plugin, Settings};
use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tempfile::TempDir;

/// Cells of the engine.
const CELLS: u32 = 100;

/// A gateway.
pub(super) struct Agent {
    pub(super) gateway: Gateway,
    pub(super) state: Arc<TimedState>,
    /// Time that the model took.
    pub(super) model: Watch,
    folder: TempDir,
}

impl Agent {
    /// One that has started.
    pub(super) async fn started() -> Result<Self> {
        Self::telling(GatewaySettings::default().history_tokens).await
    }

    /// One whose model is told so many tokens of a conversation at most.
    pub(super) async fn telling(history_tokens: NonZeroUsize) -> Result<Self> {
        let agent = Self::opened(history_tokens)?;
        agent.gateway.start().await?;
        Ok(agent)
    }

    /// One that hasn't started: what is put into its state before that is there when it does.
    pub(super) fn unstarted() -> Result<Self> {
        Self::opened(GatewaySettings::default().history_tokens)
    }

    fn opened(history_tokens: NonZeroUsize) -> Result<Self> {
        let folder = TempDir::new()?;
        let cache = CacheSettings { folder: folder.path().join("cache"), key: folder.path().join("cache.key") };
        let compile_in = CompileIn::Child(std::env::current_exe()?);
        let engine = Engine::new(EngineSettings { cells: CELLS, cache: Some(cache), ..EngineSettings::new(compile_in) })?;
        let state = Arc::new(TimedState::new(Sqlite::open(SqliteSettings::new(folder.path().join("state")))?));
        let timed = TimedModel::default();
        let model = timed.watch.clone();
        let settings = GatewaySettings { models: Models::new(Arc::new(timed)), history_tokens, ..GatewaySettings::default() };
        let gateway = Gateway::new(engine, state.clone(), settings)?;
        Ok(Self { gateway, state, model, folder })
    }

    pub(super) async fn load(&self, id: &str, component: &[u8], settings: Settings) -> Result<Arc<Plugin>> {
        let file = self.folder.path().join(format!("{id}.wasm"));
        fs::write(&file, component)?;
        Ok(self.gateway.plugins().load(&file, settings).await?.0)
    }

    /// A turn from its beginning to its end, which has to be a good one. Its run.
    pub(super) async fn turn(&self, session: &str, text: &str) -> Result<Arc<str>> {
        let turn = self.gateway.turn(TurnAsked::said(session, "bench", text)).await?;
        let run = turn.run().cloned();
        let end = turn.ended().await;
        ensure!(end.status == TurnStatus::Done, "a turn ended with {end:?}");
        run.ok_or_else(|| anyhow::anyhow!("a plugin took the message"))
    }
}
