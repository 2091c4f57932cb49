//! Files that change together with a plugin: the configuration, and the plugin's own file.
//!
//! What can fail is done before: a new text and a new component are on the disk already, under hidden names. Then the state remembers what is intended, in the
//! transaction that changes the plugin; then come renames, the configuration's first, since that is the one that somebody may have edited meanwhile; if the
//! other fails, it is taken back. A host that dies in between finds the intent when it starts, and does the rest.

use crate::config::{ConfigFile, Edited, FileError, Prepared};
use plugbay_runtime::Alongside;
use plugbay_runtime::state::{DocumentChange, Record, StateStore};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempPath;

/// The kind of document that an intent is.
const KIND: &str = "intent";
/// The one intent that there is at a time: commands that change files happen one after the other.
const NAME: &str = "files";

/// How the names of components begin that aren't in their place yet. Hidden, so that nobody takes one for a plugin.
const ASIDE: &str = ".plugbay-";

/// The configuration that is in force.
pub(super) type InForce = Arc<Mutex<Arc<ConfigFile>>>;

/// Files that are to change.
#[derive(Default)]
pub(super) struct Files {
    intent: Intent,
    configuration: Option<NewConfiguration>,
    component: Option<TempPath>,
}

/// What a host that died has still to do.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Intent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    configuration: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plugin: Option<File>,
}

/// A text that is to stand in place of another.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    path: PathBuf,
    /// The digest of what was there.
    was: String,
    text: String,
}

/// A plugin's file that is to be another, or none.
#[derive(Debug, Serialize, Deserialize)]
struct File {
    path: PathBuf,
    /// The digest of what was there.
    was: Option<String>,
    /// Where the new component waits; nothing, if the file is to be removed.
    from: Option<PathBuf>,
}

/// A configuration on its way to being in force.
struct NewConfiguration {
    before: ConfigFile,
    prepared: Prepared,
    edited: Edited,
    in_force: InForce,
}

impl Files {
    /// The configuration, edited; it is in force as soon as it is written. Nothing, if the edit changes nothing.
    pub(super) fn configuration(mut self, before: &ConfigFile, edited: &Edited, in_force: &InForce) -> Result<Self, FileError> {
        if edited.text != before.text {
            let (before, edited, in_force) = (before.clone(), edited.clone(), in_force.clone());
            let prepared = before.prepare(&edited)?;
            self.intent.configuration =
                Some(Text { path: before.path.clone(), was: digest(before.text.as_bytes()), text: edited.text.clone() });
            self.configuration = Some(NewConfiguration { before, prepared, edited, in_force });
        }
        Ok(self)
    }

    /// A component, in place of whatever is there. It is written beside it, and gone if nothing comes of it. Blocks.
    pub(super) fn placing(mut self, component: &[u8], path: PathBuf) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(ASIDE).tempfile_in(folder)?;
        file.write_all(component)?;
        file.as_file().sync_all()?;
        let aside = file.into_temp_path();
        self.intent.plugin = Some(File { was: digest_of(&path), from: Some(aside.to_path_buf()), path });
        self.component = Some(aside);
        Ok(self)
    }

    /// A component that is to be gone. Blocks.
    pub(super) fn removing(mut self, path: PathBuf) -> Self {
        self.intent.plugin = Some(File { was: digest_of(&path), from: None, path });
        self
    }
}

impl Alongside for Files {
    fn documents(&self) -> Vec<DocumentChange> {
        match serde_json::to_string(&self.intent) {
            Ok(body) => vec![DocumentChange::set(KIND, NAME, body)],
            Err(e) => {
                tracing::warn!("should this host die right now, the next one won't know which files were to change: {e}");
                Vec::new()
            }
        }
    }

    fn commit(self: Box<Self>) -> Result<(), String> {
        let Self { intent, configuration, component } = *self;
        let written = configuration.map(NewConfiguration::written).transpose().map_err(|e| e.to_string())?;
        if let Some(File { path, .. }) = &intent.plugin
            && let Err(e) = put(component, path)
        {
            if let Some((before, file, _)) = written {
                take_back(&before, &file);
            }
            return Err(format!("can't change {}: {e}", path.display()));
        }
        if let Some((_, file, in_force)) = written {
            *super::lock(&in_force) = Arc::new(file);
        }
        Ok(())
    }
}

impl NewConfiguration {
    /// Writes it: what was there, what is there now, and where that is to be in force.
    fn written(self) -> Result<(ConfigFile, ConfigFile, InForce), FileError> {
        let Self { before, prepared, edited, in_force } = self;
        let stamp = prepared.commit()?;
        let file = ConfigFile { path: before.path.clone(), text: edited.text, stamp, config: edited.config };
        Ok((before, file, in_force))
    }
}

/// The configuration as it was before.
fn take_back(before: &ConfigFile, now: &ConfigFile) {
    if let Err(e) = crate::config::write_if_unchanged(&now.path, now.stamp, &before.text) {
        tracing::error!("{} says what was taken back: {e}", now.path.display());
    }
}

/// Puts a component in its place, or removes the one that is there.
fn put(component: Option<TempPath>, path: &Path) -> io::Result<()> {
    match component {
        Some(aside) => aside.persist(path).map_err(|e| e.error)?,
        None => fs::remove_file(path)?,
    }
    if let Err(e) = sync_folder(path) {
        tracing::warn!("should the power fail right now, {} may be as it was before: {e}", path.display());
    }
    Ok(())
}

/// Lets a rename survive a power failure.
fn sync_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// Forgets the intent: everything is done, or taken back.
pub(super) async fn fulfilled(state: &dyn StateStore) {
    let forgotten = state.record(Record { documents: vec![forgotten()], events: Vec::new() }).await;
    if !matches!(forgotten, Ok(Ok(_))) {
        tracing::warn!("an intent that was fulfilled isn't forgotten; the next start looks at it again");
    }
}

/// That there is no intent any more.
pub(super) fn forgotten() -> DocumentChange {
    DocumentChange::delete(KIND, NAME)
}

/// Does what a host that died had still to do. What somebody else has changed meanwhile is left alone.
pub(super) async fn catch_up(state: &dyn StateStore) -> Result<(), String> {
    let Some(document) = state.document(KIND, NAME).await.map_err(|e| e.to_string())? else { return Ok(()) };
    let Intent { configuration, plugin } =
        serde_json::from_str(&document.body).map_err(|e| format!("an intent that can't be read: {e}"))?;
    plugin.map_or(Ok(()), File::catch_up)?;
    configuration.map_or(Ok(()), Text::catch_up)?;
    fulfilled(state).await;
    Ok(())
}

impl Text {
    fn catch_up(self) -> Result<(), String> {
        let Self { path, was, text } = self;
        let file = ConfigFile::read(&path).map_err(|e| e.to_string())?;
        if digest(file.text.as_bytes()) == was {
            crate::config::write_if_unchanged(&path, file.stamp, &text).map_err(|e| e.to_string())?;
        } else if file.text != text {
            tracing::warn!("{} was changed by hand after the host died while it was changing it: it stays as it is", path.display());
        }
        Ok(())
    }
}

impl File {
    fn catch_up(self) -> Result<(), String> {
        let Self { path, was, from } = self;
        let is_open = from.as_ref().map_or_else(|| path.exists(), |from| from.exists());
        if !is_open {
            return Ok(());
        }
        if digest_of(&path) != was {
            tracing::warn!("{} was changed by hand after the host died while it was changing it: it stays as it is", path.display());
            return Ok(());
        }
        let done = match from {
            Some(from) => fs::rename(from, &path).and_then(|()| sync_folder(&path)),
            None => fs::remove_file(&path),
        };
        done.map_err(|e| format!("{} was to be changed when the host died, and still can't be: {e}", path.display()))
    }
}

/// Removes components that a host that died has left beside their places.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(ASIDE) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The digest of a file, if there is one that can be read.
fn digest_of(file: &Path) -> Option<String> {
    // Opening a pipe would wait for a writer.
    fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(file).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}
