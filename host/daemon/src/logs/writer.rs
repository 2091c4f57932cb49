//! The one thread that writes plugins' log files.
//!
//! A call that logs only puts a line into its plugin's queue; a slow disk costs it nothing. A plugin has [`WAITING`] places there, so no plugin takes
//! another's. Lines that find no place, and lines that couldn't be written, are missing: the next line in the file says how many (`dropped`), and so
//! does the host's own log, where a failing file is reported once, until a line could be written again. At most [`OPEN`] files are open. The thread
//! ends when it is told to close, or when nobody is left who could write.

use super::rolling::RollingFile;
use super::{LogLine, LogSettings};
use plugbay_runtime::PluginId;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Lines of a plugin that may wait to be written.
pub(super) const WAITING: usize = 256;

/// Files that are open at a time.
const OPEN: usize = 64;

/// The writer as others see it. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Desk(UnboundedSender<Order>);

/// One plugin's places.
#[derive(Debug)]
pub(super) struct Queue {
    desk: Desk,
    plugin: PluginId,
    places: Arc<Semaphore>,
}

/// What the thread is asked to do.
#[derive(Debug)]
enum Order {
    Write { plugin: PluginId, line: Arc<LogLine>, dropped: u64, place: OwnedSemaphorePermit },
    Forget { plugin: PluginId, delete: bool, done: oneshot::Sender<io::Result<()>> },
    Close { done: oneshot::Sender<()> },
}

impl Desk {
    /// A queue for a plugin's lines.
    pub(super) fn queue(&self, plugin: PluginId) -> Queue {
        Queue { desk: self.clone(), plugin, places: Arc::new(Semaphore::new(WAITING)) }
    }

    /// Closes a plugin's file, and deletes all of its files if that is wanted. None: the writer is closed.
    pub(super) async fn forget(&self, plugin: PluginId, delete: bool) -> Option<io::Result<()>> {
        let (done, answer) = oneshot::channel();
        self.0.send(Order::Forget { plugin, delete, done }).ok()?;
        answer.await.ok()
    }

    /// Writes what waits, and ends the thread. Closing twice is fine.
    pub(super) async fn close(&self) {
        let (done, answer) = oneshot::channel();
        if self.0.send(Order::Close { done }).is_ok() {
            // No answer: another one closed it.
            let _ = answer.await;
        }
    }
}

impl Queue {
    /// Takes a line, before which so many are missing; whether there was a place for it.
    pub(super) fn take(&self, line: Arc<LogLine>, dropped: u64) -> bool {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return false };
        self.desk.0.send(Order::Write { plugin: self.plugin.clone(), line, dropped, place }).is_ok()
    }
}

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Writer {
    orders: UnboundedReceiver<Order>,
    folder: PathBuf,
    settings: LogSettings,
    written: HashMap<PluginId, Written>,
}

impl Writer {
    /// A writer into this folder, which exists.
    pub(super) fn new(folder: &Path, settings: &LogSettings) -> (Desk, Self) {
        let (desk, orders) = unbounded_channel();
        (Desk(desk), Self { orders, folder: folder.to_owned(), settings: settings.clone(), written: HashMap::new() })
    }

    /// Does what it is asked, until the end.
    pub(super) fn run(mut self) {
        while let Some(order) = self.orders.blocking_recv() {
            match order {
                Order::Write { plugin, line, dropped, place } => {
                    self.write(&plugin, &line, dropped);
                    drop(place);
                }
                Order::Forget { plugin, delete, done } => {
                    // Who asked may have gone.
                    let _ = done.send(self.forget(plugin, delete));
                }
                Order::Close { done } => {
                    self.written
                        .iter()
                        .filter(|(_, written)| written.lost > 0)
                        .for_each(|(plugin, written)| say_missing(plugin, written.lost));
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn write(&mut self, plugin: &PluginId, line: &LogLine, dropped: u64) {
        if !self.written.get(plugin).is_some_and(|written| written.file.is_open()) {
            self.make_room();
        }
        let written = self.written(plugin);
        match written.write(line, dropped) {
            Ok(0) => {}
            Ok(missing) => say_missing(plugin, missing),
            Err(None) => {}
            Err(Some(error)) => {
                let file = written.file.path().display();
                tracing::error!(target: "plugbay::logs", %plugin, %file, %error, "can't write the plugin's log; its lines are dropped until it can be written again");
            }
        }
    }

    /// Keeps the number of open files bounded: those that are in use open again.
    fn make_room(&mut self) {
        if self.written.values().filter(|written| written.file.is_open()).count() >= OPEN {
            self.written.values_mut().for_each(|written| written.file.close());
        }
    }

    fn forget(&mut self, plugin: PluginId, delete: bool) -> io::Result<()> {
        let outcome = if delete { self.written(&plugin).file.delete() } else { Ok(()) };
        if let Some(Written { lost: missing @ 1.., .. }) = self.written.remove(&plugin) {
            say_missing(&plugin, missing);
        }
        outcome
    }

    fn written(&mut self, plugin: &PluginId) -> &mut Written {
        let LogSettings { file_bytes, files, .. } = self.settings;
        let file = || RollingFile::new(file_of(&self.folder, plugin), file_bytes, files);
        self.written.entry(plugin.clone()).or_insert_with(|| Written { file: file(), lost: 0 })
    }
}

/// The file that a plugin's lines are appended to. An id has no character that means something in a path.
pub(super) fn file_of(folder: &Path, plugin: &PluginId) -> PathBuf {
    folder.join(format!("{plugin}.log"))
}

/// Says in the host's log what a file lacks.
pub(super) fn say_missing(plugin: &PluginId, missing: u64) {
    tracing::warn!(target: "plugbay::logs", %plugin, missing, "lines are missing from the plugin's log file: the disk was full, failing or too slow");
}

/// A plugin's file, and how many lines couldn't be written since one could.
#[derive(Debug)]
struct Written {
    file: RollingFile,
    lost: u64,
}

impl Written {
    /// Writes a line. Answers how many are missing before it; if it can't be written, why, if the one before it could.
    fn write(&mut self, line: &LogLine, dropped: u64) -> Result<u64, Option<io::Error>> {
        let missing = self.lost + dropped;
        match self.append(LogLine { dropped: (missing > 0).then_some(missing), ..line.clone() }) {
            Ok(()) => {
                self.lost = 0;
                Ok(missing)
            }
            Err(error) => {
                let first = self.lost == 0;
                self.lost = missing + 1;
                Err(first.then_some(error))
            }
        }
    }

    fn append(&mut self, line: LogLine) -> io::Result<()> {
        let mut json = serde_json::to_vec(&line)?;
        json.push(b'\n');
        self.file.write(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::engine::Level;
    use tempfile::TempDir;

    fn line(seq: u64) -> LogLine {
        LogLine { seq, at: 0, level: Level::Info, text: "text".into(), dropped: None }
    }

    #[test]
    fn a_file_that_fails_says_so_once_and_then_how_many_lines_are_missing() {
        let folder = TempDir::new().unwrap();
        let (_desk, mut writer) = Writer::new(folder.path(), &LogSettings::default());
        let plugin = PluginId::try_from("guard".to_owned()).unwrap();
        let path = file_of(folder.path(), &plugin);
        let written = writer.written(&plugin);
        for _ in 0..2 {
            // Nobody can write to a folder, not even root.
            std::fs::create_dir(&path).unwrap();
            assert!(matches!(written.write(&line(1), 0), Err(Some(_))));
            assert!(matches!(written.write(&line(2), 0), Err(None)));
            assert!(matches!(written.write(&line(5), 2), Err(None)));
            std::fs::remove_dir(&path).unwrap();
            assert!(matches!(written.write(&line(7), 1), Ok(6)));
            assert!(matches!(written.write(&line(8), 0), Ok(0)));
            let lines: Vec<LogLine> = super::super::rolling::last_lines(&path).unwrap();
            assert_eq!(lines, [LogLine { dropped: Some(6), ..line(7) }, line(8)]);
            written.file.delete().unwrap();
        }
    }

    #[test]
    fn few_files_are_open_however_many_plugins_write() {
        let folder = TempDir::new().unwrap();
        let (_desk, mut writer) = Writer::new(folder.path(), &LogSettings::default());
        for round in 1..=2 {
            for n in 0..3 * OPEN {
                let plugin = PluginId::try_from(format!("p{n}")).unwrap();
                writer.write(&plugin, &line(round), 0);
                assert!(writer.written.values().filter(|written| written.file.is_open()).count() <= OPEN);
            }
        }
        assert!(writer.written.values().all(|written| super::super::rolling::last_lines(written.file.path()).unwrap().len() == 2));
    }
}
