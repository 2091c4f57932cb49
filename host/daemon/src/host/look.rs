//! What operators look at: plugins, versions, limits, use, history, readiness. Nothing is changed by it; each answer is of the moment in which it is given.

use super::{Failure, Host, views};
use crate::api::types::{
    HistoryEvent, HistoryPage, Inspection, LimitList, LimitView, PluginDetail, PluginList, PluginUsage, Readiness, RefusedFile, SlotList,
    SlotView, UsageList, VersionList,
};
use crate::config::{Verdict, shown_limits};
use plugbay_runtime::state::{Event, HistoryQuery, StateStore, Usage};
use plugbay_runtime::{Plugin, PluginId, Source, Standing};
use std::sync::Arc;

/// Lines of the history that are read at once, unless said otherwise.
const LINES: usize = 100;

impl Host {
    /// All plugins.
    #[must_use]
    pub fn list(&self) -> PluginList {
        let refused = self.refused_files().into_iter().map(|(name, why)| RefusedFile { name, why }).collect();
        let engines = views::Engines::of(self.gateway().contexts());
        let plugins = self.plugins().all().iter().map(|plugin| views::summary(&plugin.listing(), &engines)).collect();
        PluginList { plugins, refused, context_engine: engines.slot() }
    }

    /// The slot of the context engine.
    pub(super) fn slot(&self) -> SlotView {
        views::Engines::of(self.gateway().contexts()).slot()
    }

    /// What only one plugin does.
    #[must_use]
    pub fn slots(&self) -> SlotList {
        SlotList { slots: vec![self.slot()] }
    }

    /// All that there is to say of a plugin.
    ///
    /// # Errors
    /// If there is none of this id.
    pub fn show(&self, id: &str) -> Result<PluginDetail, Failure> {
        Ok(views::detail(&self.plugin(id)?.listing(), self.gateway()))
    }

    /// The versions of a plugin that are kept.
    ///
    /// # Errors
    /// If there is none of this id.
    pub fn versions(&self, id: &str) -> Result<VersionList, Failure> {
        Ok(VersionList { versions: views::versions(&self.plugin(id)?.listing()) })
    }

    /// Looks at a component, beside what runs of its plugin. Nothing of it is run.
    ///
    /// # Errors
    /// If it is no plugin.
    pub async fn inspect(&self, component: Vec<u8>) -> Result<Inspection, Failure> {
        let looked = self.plugins().inspect(Source::bytes("the component", component)).await?;
        let decided = self.config().config.plugin(&looked.manifest.id).settings.grants;
        let running = self.plugins().get(looked.manifest.id.as_str());
        Ok(views::inspection(&looked, &decided, running.as_deref()))
    }

    /// The limits of a plugin, and what was used of them.
    ///
    /// # Errors
    /// If there is none of this id.
    pub fn limits(&self, id: &str) -> Result<LimitList, Failure> {
        let plugin = self.plugin(id)?;
        let config = self.config().config.plugin(plugin.id());
        let memory = plugin.generation().and_then(|g| g.counted().map(|(_, c)| c.memory).max());
        let defaults = shown_limits(&plugbay_runtime::engine::Limits::default());
        let view = |(limit, default): ((String, String), (String, String))| LimitView {
            used: memory.filter(|_| limit.0 == "memory").map(|bytes| format!("{bytes} B")),
            set: limit.1 != default.1,
            setting: format!("plugins.{}.limits.{}", plugin.id(), limit.0),
            name: limit.0,
            value: limit.1,
        };
        Ok(LimitList { limits: shown_limits(&config.settings.limits).into_iter().zip(defaults).map(view).collect() })
    }

    /// What plugins have used: one, or all.
    ///
    /// # Errors
    /// If there is none of this id, or the state can't be read.
    pub async fn usage(&self, id: Option<&str>) -> Result<UsageList, Failure> {
        let plugins = match id {
            Some(id) => vec![self.plugin(id)?],
            None => self.plugins().all(),
        };
        let stored = self.0.state.usage().await?;
        Ok(UsageList { plugins: plugins.iter().map(|plugin| used(plugin, &stored)).collect() })
    }

    /// Lines of the history, the newest first.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn history(&self, query: crate::api::types::HistoryQuery) -> Result<HistoryPage, Failure> {
        let mut asked = HistoryQuery::newest(query.limit.unwrap_or(LINES));
        (asked.plugin, asked.before) = (query.plugin, query.before);
        let events = self.0.state.history(asked).await?;
        let line = |event: Event| HistoryEvent {
            seq: event.seq,
            at: event.at,
            who: event.fact.who,
            what: event.fact.what,
            plugin: event.fact.plugin,
            from: event.fact.from,
            to: event.fact.to,
            why: event.fact.why,
        };
        Ok(HistoryPage { events: events.into_iter().map(line).collect() })
    }

    /// Whether the host serves as it should: nothing that is required is missing. What an operator switched off isn't required.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let listings: Vec<_> = self.plugins().all().iter().map(|p| p.listing()).collect();
        let missing = listings.iter().filter(|l| l.required && !matches!(l.standing, Standing::Active | Standing::Disabled));
        let mut waits_for: Vec<_> = missing.map(|l| format!("plugin `{}` is required and {}", l.id, l.standing)).collect();
        waits_for.extend(self.required_and_unknown().iter().map(|id| format!("plugin `{id}` is required and there is no file of it")));
        if *self.0.stopping.borrow() {
            waits_for.push("the host is stopping".to_owned());
        }
        let active = listings.iter().filter(|l| l.standing == Standing::Active).count();
        Readiness { ready: waits_for.is_empty(), waits_for, version: env!("CARGO_PKG_VERSION").to_owned(), active }
    }

    /// Plugins that the configuration requires, and that never were.
    fn required_and_unknown(&self) -> Vec<PluginId> {
        let config = self.config();
        let wanted = |id: &PluginId| {
            let plugin = config.config.plugin(id);
            plugin.settings.required == Some(true) && plugin.enabled && plugin.allowed == Verdict::Allowed
        };
        config.config.named().filter(|id| wanted(id) && self.plugins().get(id.as_str()).is_none()).cloned().collect()
    }

    /// The plugin with this id.
    pub(crate) fn plugin(&self, id: &str) -> Result<Arc<Plugin>, Failure> {
        self.plugins().get(id).ok_or_else(|| {
            let known = self.known_ids();
            Failure::not_found("plugin", id, known.iter().map(PluginId::as_str))
        })
    }
}

fn used(plugin: &Plugin, stored: &[Usage]) -> PluginUsage {
    let own = || stored.iter().filter(|u| u.owner.as_str() == plugin.id().as_str());
    let generation = plugin.generation();
    PluginUsage {
        id: plugin.id().to_string(),
        generation: generation.as_ref().map_or(0, |g| g.number()),
        exports: generation.iter().flat_map(|g| g.counted()).map(|(name, counted)| views::export(name, counted)).collect(),
        rows: own().map(|u| u.rows).sum(),
        bytes: own().map(|u| u.bytes).sum(),
        warm_cells: generation.as_ref().map_or(0, |g| g.warm_cells() as u64),
    }
}
