//! With real files. Where a test is about file events, settling and looking without a reason take an hour, so that nothing but an event can have told.

mod following;
mod scanning;
mod watching;

use super::*;
use plugbay_runtime::PluginId;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(50);

/// Nothing but an event leads to a look.
const EVENTS: WatchSettings = WatchSettings { settle: HOUR, poll: None, poll_fallback: HOUR, missing_after: HOUR };

/// A plugins directory, in a folder of its own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.make(&folder.plugins());
        folder
    }

    fn plugins(&self) -> PathBuf {
        self.0.path().join("plugins")
    }

    fn make(&self, path: &Path) {
        fs::create_dir(path).unwrap();
        mode(path, 0o755);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plugins().join(name)
    }

    /// Puts a file there, whole.
    fn put(&self, name: &str, bytes: &str) {
        let unfinished = self.0.path().join("unfinished");
        fs::write(&unfinished, bytes).unwrap();
        fs::rename(unfinished, self.path(name)).unwrap();
    }

    fn pipe(&self, name: &str) {
        assert!(Command::new("mkfifo").arg(self.path(name)).status().unwrap().success());
    }

    fn open(&self) -> Result<Directory, DirectoryError> {
        Directory::open(&self.plugins(), 1_000)
    }

    async fn watch(&self, settings: WatchSettings) -> Watch {
        let mut watch = Watch::start(self.open().unwrap(), settings);
        watch.first_look().await;
        watch
    }
}

impl Watch {
    /// Looks for the first time, so that what comes now is seen by events.
    async fn first_look(&mut self) {
        self.look().await;
    }

    /// What is told until the file of that plugin is, which comes last.
    async fn until(&mut self, plugin: &str) -> Vec<Found> {
        let mut found = Vec::new();
        while found.last().and_then(file) != Some(plugin) {
            found.push(self.next().await);
        }
        found
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn id(text: &str) -> PluginId {
    PluginId::try_from(text.to_owned()).unwrap()
}

fn file(found: &Found) -> Option<&str> {
    if let Found::File { id, .. } = found { Some(id.as_str()) } else { None }
}

/// The plugins of files that were told; anything else fails.
fn files(found: &[Found]) -> Vec<&str> {
    found.iter().map(|found| file(found).unwrap_or_else(|| panic!("{found:?}"))).collect()
}

fn size(found: &Found) -> u64 {
    if let Found::File { stamp, .. } = found { stamp.size } else { panic!("{found:?}") }
}

fn refusal(scan: &Scan, name: &str) -> Refusal {
    match scan.entries.get(name) {
        Some(Entry::Refused(why)) => why.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
