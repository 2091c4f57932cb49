//! Bringing plugins to what is wanted of them, whoever changed what.
//!
//! What is wanted of a plugin is its file in the directory, its table in the configuration, and the lists there. Settling one that is as it should be costs reading
//! and hashing its file.

use super::{By, Host, lock};
use crate::config::{ConfigFile, FileError, PluginConfig, Stamp, Verdict};
use crate::directory::{Entry, Found, ReadError, Watch, WatchSettings, name_of};
use plugbay_runtime::{Done, Grant, LoadError, Order, Plugin, PluginId, Source, Standing, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often the configuration is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Plugins that are settled at once when the host starts: compiling is bounded elsewhere.
const AT_ONCE: usize = 16;

impl Host {
    /// Brings a plugin to what is wanted of it by file and configuration, as they are when it is its turn.
    ///
    /// # Errors
    /// As [`plugbay_runtime::Plugins::apply`].
    pub async fn settle(&self, id: &PluginId, order: Order) -> Result<Done, LoadError> {
        if self.is_missing(id, order.boot).await {
            return self.plugins().missing(id.clone(), order).await;
        }
        let (host, of) = (self.clone(), id.clone());
        let wanted = move || wanted(&of, host.file_if_there(&of), host.config().config.plugin(&of));
        self.plugins().settle(id.clone(), wanted, order).await
    }

    /// Whether a plugin's file is gone, and has been for long: since before the host started, or since it was found to be missing.
    async fn is_missing(&self, id: &PluginId, boot: bool) -> bool {
        let for_long = |p: Arc<Plugin>| boot || p.listing().standing == Standing::Missing;
        self.plugins().get(id.as_str()).is_some_and(for_long) && self.is_gone(id).await
    }

    /// Whether there is nothing where a plugin's file should be. Nobody knows if the directory can't be looked into.
    async fn is_gone(&self, id: &PluginId) -> bool {
        let (directory, path) = (self.0.directory.clone(), self.file_path(id));
        let gone = tokio::task::spawn_blocking(move || path.symlink_metadata().is_err() && directory.scan().is_ok()).await;
        gone.unwrap_or(false)
    }

    /// The plugin's file, if anything is there.
    pub(super) fn file_if_there(&self, id: &PluginId) -> Option<Source> {
        self.file_path(id).symlink_metadata().is_ok().then(|| self.file(id))
    }

    /// The plugin's file, read when it is its turn.
    pub(super) fn file(&self, id: &PluginId) -> Source {
        let (directory, id) = (self.0.directory.clone(), id.clone());
        Source::reader(self.file_path(&id), move |_| directory.read(&id).map(|read| read.bytes).map_err(in_io))
    }

    /// Where the plugin's file is.
    pub(super) fn file_path(&self, id: &PluginId) -> PathBuf {
        self.0.directory.path().join(name_of(id))
    }

    /// Settles all plugins that there are, as when the host starts: files, and what ran before.
    pub(super) async fn settle_all(&self, order: fn() -> Order) {
        let directory = self.0.directory.clone();
        let scan = tokio::task::spawn_blocking(move || directory.scan()).await;
        let mut ids: BTreeSet<PluginId> = self.known_ids().into_iter().collect();
        match scan {
            Ok(Ok(scan)) => ids.extend(scan.entries.into_iter().filter_map(|(name, entry)| match entry {
                Entry::File { id, .. } => Some(id),
                Entry::Refused(why) => {
                    lock(&self.0.refused).insert(name, why.to_string());
                    None
                }
            })),
            Ok(Err(e)) => tracing::error!("the plugins directory: {e}"),
            Err(e) => tracing::error!("the plugins directory: {e}"),
        }
        let config = self.config();
        let (gates, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| config.config.plugin(id).settings.grants.has(Grant::Policy));
        // Those that are asked about others come before them, and one after the other: a required one that isn't there yet refuses what it isn't asked about.
        for id in gates {
            self.settled(&id, order()).await;
        }
        let mut settling = JoinSet::new();
        for id in others {
            if settling.len() >= AT_ONCE {
                settling.join_next().await;
            }
            let host = self.clone();
            settling.spawn(async move { host.settled(&id, order()).await });
        }
        while settling.join_next().await.is_some() {}
    }

    /// Settles a plugin for nobody who waits for the answer: the listing says what came of it.
    async fn settled(&self, id: &PluginId, order: Order) {
        match self.settle(id, order).await {
            Ok(done) => tracing::debug!(plugin = %id, generation = done.generation, "{:?}", done.loaded),
            Err(e) => tracing::warn!(plugin = %id, "{e}"),
        }
    }

    /// Follows the plugins directory for as long as the host runs.
    pub(super) async fn follow_directory(self) {
        let config = self.config().config.watch.clone();
        let settings =
            WatchSettings { settle: config.debounce, poll: config.poll, missing_after: config.missing_after, ..WatchSettings::default() };
        let mut watch = Watch::start(self.0.directory.clone(), settings);
        loop {
            let found = watch.next().await;
            self.found(found);
        }
    }

    fn found(&self, found: Found) {
        match found {
            Found::File { id, .. } => {
                lock(&self.0.refused).remove(&name_of(&id));
                let host = self.clone();
                // Beside the watch: a plugin that takes its time keeps no other waiting.
                tokio::spawn(async move { host.settled(&id, Order::automatic("plugins directory")).await });
            }
            Found::Gone { id } => {
                lock(&self.0.refused).remove(&name_of(&id));
                let host = self.clone();
                tokio::spawn(async move { host.gone(&id).await });
            }
            Found::Refused { name, why } => {
                tracing::warn!(file = name, "no plugin: {why}");
                lock(&self.0.refused).insert(name, why.to_string());
            }
            Found::Trouble(why) => tracing::error!("the plugins directory: {why}"),
            Found::TroubleOver => tracing::info!("the plugins directory can be looked into again"),
            Found::NoEvents(why) => {
                tracing::warn!("file events don't work here, so the plugins directory is looked at now and then: {why}")
            }
        }
    }

    /// A plugin's file is gone. One that was uninstalled is no business of anybody's, and one that is back isn't gone.
    async fn gone(&self, id: &PluginId) {
        if self.plugins().get(id.as_str()).is_none() || !self.is_gone(id).await {
            return;
        }
        if let Err(e) = self.plugins().missing(id.clone(), Order::automatic("plugins directory")).await {
            tracing::error!(plugin = %id, "{e}");
        }
    }

    /// Follows the configuration for as long as the host runs. A file that was changed is taken over once two looks found the same: then its writer is done.
    pub(super) async fn follow_configuration(self) {
        let by = By::new("plugbay.toml");
        let mut seen = self.stamp().await;
        loop {
            tokio::time::sleep(LOOK).await;
            let there = self.stamp().await;
            let is_whole = std::mem::replace(&mut seen, there) == there;
            let is_in_force = there == Some(self.config().stamp) && lock(&self.0.config_problem).is_none();
            if !is_whole || is_in_force {
                continue;
            }
            // Who changes files settles what follows from it; what is seen meanwhile is half of it.
            let _editing = self.0.editing.lock().await;
            let before = self.config();
            self.reread().await;
            self.enforce(&before, &by, None);
        }
    }

    /// What tells the configuration's content from another; nothing, if it can't be read.
    async fn stamp(&self) -> Option<Stamp> {
        let path = self.0.path.clone();
        tokio::task::spawn_blocking(move || Stamp::of(&path)).await.ok()?.ok()
    }

    /// The configuration as it stands in the file. That there is none any more is more likely a slip than the wish to have no settings.
    pub(super) async fn configuration_file(&self) -> Result<ConfigFile, FileError> {
        let (path, before) = (self.0.path.clone(), self.config());
        let failed = |source| FileError::Read { path: self.0.path.clone(), source };
        let file = tokio::task::spawn_blocking(move || ConfigFile::read(&path)).await.map_err(|e| failed(io::Error::other(e)))??;
        if file.text.is_empty() && !before.text.is_empty() && !self.0.path.exists() {
            let why = "it was there before: put it back (an empty one, if nothing is to be set)";
            return Err(failed(io::Error::new(io::ErrorKind::NotFound, why)));
        }
        Ok(file)
    }

    /// Puts in force what the file says. One that is wrong is refused as a whole, and what is in force stays. For who has the right to change files.
    pub(super) async fn reread(&self) {
        let problem = match self.configuration_file().await {
            Ok(file) if file.stamp == self.config().stamp => None,
            Ok(file) => {
                tracing::info!("{} was changed", self.0.path.display());
                *lock(&self.0.config) = Arc::new(file);
                None
            }
            Err(e) => Some(format!("{e:#}")),
        };
        let mut known = lock(&self.0.config_problem);
        if *known != problem {
            if let Some(problem) = &problem {
                tracing::error!("the configuration that was in force stays in force: {problem}");
            }
            *known = problem;
        }
    }

    /// Another configuration is in force than before: plugins whose settings it changes are settled, side by side, but for one that is settled already.
    pub(super) fn enforce(&self, before: &ConfigFile, by: &By, but: Option<&PluginId>) {
        let after = self.config();
        if before.stamp == after.stamp {
            return;
        }
        self.gateway().contexts().set_engine(after.config.slots.context_engine.clone());
        let changed = |id: &PluginId| differ(&before.config.plugin(id), &after.config.plugin(id));
        for id in self.known_ids().into_iter().filter(|id| Some(id) != but && changed(id)) {
            let (host, who) = (self.clone(), by.who.clone());
            // Beside each other: a plugin that takes its time keeps no other waiting.
            tokio::spawn(async move { host.settled(&id, Order::automatic(who)).await });
        }
        for section in self.waiting_sections() {
            tracing::warn!("`[{section}]` of the configuration was changed: that takes effect when the program is started again");
        }
    }

    /// Sections of the configuration that say something else than what the host was started with, which only another start changes.
    pub(super) fn waiting_sections(&self) -> Vec<&'static str> {
        let (now, start) = (self.config(), &self.0.started_with.config);
        let now = &now.config;
        let differs = [
            ("host", now.host != start.host),
            ("http", now.http != start.http),
            ("logs", now.logs != start.logs),
            ("watch", now.watch != start.watch),
            ("engine", now.engine != start.engine),
            ("state", now.state != start.state),
            ("model", now.model != start.model),
            ("agent", now.agent != start.agent),
            ("schedule", now.schedule != start.schedule),
            ("outbox", now.outbox != start.outbox),
        ];
        differs.into_iter().filter_map(|(section, differs)| differs.then_some(section)).collect()
    }

    /// Files of the directory that are no plugins, and why. What isn't there any more isn't said.
    pub(super) fn refused_files(&self) -> BTreeMap<String, String> {
        let folder = self.0.directory.path();
        let mut refused = lock(&self.0.refused);
        refused.retain(|name, _| folder.join(name).symlink_metadata().is_ok());
        refused.clone()
    }
}

/// What the configuration wants of a plugin.
pub(super) fn wanted(id: &PluginId, source: Option<Source>, config: PluginConfig) -> Wanted {
    let runs = match (config.allowed, config.enabled) {
        (Verdict::InDeny, _) => Err(format!("it is in `plugins.deny`; take `{id}` out of that list to let it run")),
        (Verdict::NotInAllow, _) => Err(format!("there is a list `plugins.allow`, and it isn't in it; put `{id}` in to let it run")),
        (Verdict::Allowed, false) => Err(format!("the operator switched it off (setting `plugins.{id}.enabled`; `plugbay enable {id}`)")),
        (Verdict::Allowed, true) => Ok(()),
    };
    Wanted { source, settings: config.settings, runs, or_kept: true }
}

/// Whether two settings want different things of a plugin.
fn differ(one: &PluginConfig, other: &PluginConfig) -> bool {
    (one.enabled, one.allowed, &one.settings) != (other.enabled, other.allowed, &other.settings)
}

fn in_io(error: ReadError) -> io::Error {
    let kind = if matches!(error, ReadError::Gone { .. }) { io::ErrorKind::NotFound } else { io::ErrorKind::Other };
    io::Error::new(kind, error)
}
