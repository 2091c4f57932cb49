//! What plugins write, kept for operators.
//!
//! Each line of a plugin goes to the newest lines in memory (a ring per plugin, which readers and followers read), to `<folder>/<id>.log` as a line of
//! JSON, rotated by size, and to `tracing` with the target `plugbay::plugin`. Writing never fails and never waits, for readers or for the disk. A ring
//! takes what its plugin wrote, up to its bound; files take up to `files` times `file_bytes` a plugin. After a restart the ring begins with the last lines
//! of the file. Failures are those of files, and are told by the host's own log; only setting up and deleting answer with them.

mod follow;
mod line;
mod log;
mod ring;
mod rolling;
#[cfg(test)]
mod tests;
mod writer;

pub use follow::Followed;
pub use line::LogLine;
pub use ring::Since;

use self::log::{PluginLog, Sink};
use futures_util::Stream;
use plugbay_runtime::PluginId;
use plugbay_runtime::engine::{Level, LogSink};
use std::collections::HashMap;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::num::{NonZeroU64, NonZeroUsize};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use writer::{Desk, Writer, file_of};

/// How logs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The least that a line must matter to be kept.
    pub level: Level,
    /// Lines in memory, for each plugin.
    pub lines: NonZeroUsize,
    /// Bytes in memory, for each plugin; the newest line is kept in any case.
    pub bytes: NonZeroUsize,
    /// Where files go. None: no files.
    pub folder: Option<PathBuf>,
    /// Bytes of a file; a line that is longer has a file of its own.
    pub file_bytes: NonZeroU64,
    /// Files of a plugin, the one that is written included.
    pub files: NonZeroUsize,
}

impl Default for LogSettings {
    /// Everything from `info` on: 1,000 lines and 256 KiB in memory, no files; if there are files, three of 1 MiB.
    fn default() -> Self {
        const LINES: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
        const BYTES: NonZeroUsize = NonZeroUsize::new(256 << 10).unwrap();
        const FILE_BYTES: NonZeroU64 = NonZeroU64::new(1 << 20).unwrap();
        const FILES: NonZeroUsize = NonZeroUsize::new(3).unwrap();
        Self { level: Level::Info, lines: LINES, bytes: BYTES, folder: None, file_bytes: FILE_BYTES, files: FILES }
    }
}

/// Why logs can't be kept, or not be forgotten.
#[derive(Debug, Error)]
pub enum LogsError {
    /// The folder can't be made or is nobody's to write.
    #[error("can't keep plugins' logs in {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// There is no thread for the files.
    #[error("can't start the thread that writes plugins' logs: {0}")]
    Thread(#[source] io::Error),
    /// A plugin's files can't be deleted.
    #[error("can't delete {} and the older ones beside it: {source}", file.display())]
    Delete {
        /// The newest.
        file: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The host is shutting down.
    #[error("the log files of {plugin} aren't closed or deleted: logs are closed already, the host is shutting down")]
    Closed {
        /// Whose.
        plugin: PluginId,
    },
}

/// The logs of all plugins. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PluginLogs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: LogSettings,
    files: Option<Files>,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Files {
    folder: PathBuf,
    desk: Desk,
}

#[derive(Debug, Default)]
struct Book {
    logs: HashMap<PluginId, Arc<PluginLog>>,
    closed: bool,
}

impl PluginLogs {
    /// Logs that are kept so. The folder is made if it isn't there, and is its owner's alone from then on.
    ///
    /// # Errors
    /// Names the folder that can't be used.
    pub fn new(settings: LogSettings) -> Result<Self, LogsError> {
        let (logs, writer) = Self::with_writer(settings)?;
        if let Some(writer) = writer {
            let thread = std::thread::Builder::new().name("plugin-logs".into());
            thread.spawn(|| writer.run()).map_err(LogsError::Thread)?;
        }
        Ok(logs)
    }

    /// The same, with the writer's work still to be begun.
    fn with_writer(settings: LogSettings) -> Result<(Self, Option<Writer>), LogsError> {
        let (files, writer) = match &settings.folder {
            None => (None, None),
            Some(folder) => {
                own(folder).map_err(|source| LogsError::Folder { folder: folder.clone(), source })?;
                let (desk, writer) = Writer::new(folder, &settings);
                (Some(Files { folder: folder.clone(), desk }), Some(writer))
            }
        };
        Ok((Self(Arc::new(Shared { settings, files, book: Mutex::default() })), writer))
    }

    /// Where a plugin's lines go.
    #[must_use]
    pub fn sink(&self, plugin: &PluginId) -> Arc<dyn LogSink> {
        Arc::new(Sink { log: self.log(plugin), level: self.0.settings.level })
    }

    /// A plugin's lines that are kept in memory, oldest first. Ask for plugins that are installed only: a log takes memory until it is forgotten.
    #[must_use]
    pub fn tail(&self, plugin: &PluginId, since: Since) -> Vec<LogLine> {
        self.log(plugin).read(since)
    }

    /// The same lines, and all that come, until the plugin is forgotten or logs are closed.
    pub fn follow(&self, plugin: &PluginId, since: Since) -> impl Stream<Item = Followed> + Send + use<> {
        follow::follow(self.log(plugin), since)
    }

    /// Forgets an uninstalled plugin: its lines in memory, and if that is wanted its files. Sinks that are still there write to `tracing` only. Before
    /// this is done the plugin shouldn't be installed again: its new log could begin with lines of files that are about to be deleted.
    ///
    /// # Errors
    /// Names the file that can't be deleted.
    pub async fn forget(&self, plugin: &PluginId, delete_files: bool) -> Result<(), LogsError> {
        let forgotten = self.book().logs.remove(plugin);
        if let Some(log) = forgotten {
            log.end();
        }
        let Some(Files { folder, desk }) = &self.0.files else { return Ok(()) };
        match desk.forget(plugin.clone(), delete_files).await {
            Some(outcome) => outcome.map_err(|source| LogsError::Delete { file: file_of(folder, plugin), source }),
            None => Err(LogsError::Closed { plugin: plugin.clone() }),
        }
    }

    /// Ends all logs, and answers when what they have taken is written, which takes as long as the disk does. What is logged later goes to `tracing`
    /// only. Closing twice is fine.
    pub async fn close(&self) {
        {
            let mut book = self.book();
            book.closed = true;
            book.logs.values().for_each(|log| _ = log.end());
        }
        if let Some(Files { desk, .. }) = &self.0.files {
            desk.close().await;
        }
    }

    /// A plugin's log, begun if it isn't there.
    fn log(&self, plugin: &PluginId) -> Arc<PluginLog> {
        let mut book = self.book();
        if let Some(log) = book.logs.get(plugin) {
            return log.clone();
        }
        let log = Arc::new(self.begin(plugin));
        if book.closed {
            log.end();
        }
        book.logs.insert(plugin.clone(), log.clone());
        log
    }

    fn begin(&self, plugin: &PluginId) -> PluginLog {
        let files = self.0.files.as_ref();
        let earlier = files.map(|files| earlier(&file_of(&files.folder, plugin), plugin)).unwrap_or_default();
        PluginLog::new(plugin.clone(), &self.0.settings, earlier, files.map(|files| files.desk.queue(plugin.clone())))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Whoever panicked left whole values.
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last lines of a file. One that can't be read loses nothing but the past.
fn earlier(file: &Path, plugin: &PluginId) -> Vec<LogLine> {
    rolling::last_lines(file).unwrap_or_else(|error| {
        let file = file.display();
        tracing::warn!(target: "plugbay::logs", %plugin, %file, %error, "can't read the plugin's earlier log; its lines are numbered from 1 again");
        Vec::new()
    })
}

/// Makes a folder that only its owner can look into.
fn own(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if std::fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}
