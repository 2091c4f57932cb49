//! The components that ran, kept by digest, so that a rollback and the next start have them whatever has become of the operator's file; and the memory that a
//! version handed over when another one took its place.
//!
//! A component is `<digest>.wasm`. Memory is `<plugin>.<digest>.handover`, with the digest of the version that saved it in its name and its own in front. Files are
//! written under a temporary name, synced and renamed, and what is read is compared with its digest: a file that was changed is an error and
//! never code. The folder (0700, files 0600) is for one process at a time. [`Versions::retain`] deletes what nobody names any more.
//!
//! Everything here blocks, for as long as the disk takes for a component (64 MiB at most, by default), so it belongs on a thread for such work. In memory it costs a
//! copy of each. Each failure names the file and what to do about it.

use crate::id::PluginId;
use plugbay_engine::{Digest, MIB};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use thiserror::Error;

mod place;
#[cfg(test)]
mod tests;

use place::{Place, UNFINISHED};

/// Bytes that a version may hand over.
pub(crate) const HANDOVER: usize = 4 * MIB;

/// How components end, and memory that was handed over.
const COMPONENT: &str = "wasm";
const MEMORY: &str = "handover";

/// Characters of a digest.
const DIGITS: usize = 64;

/// Why a version can't be kept, or isn't there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VersionError {
    /// Nobody kept it, or somebody deleted it.
    #[error("version {digest} isn't kept: {} isn't there; install the plugin's file again", path.display())]
    Missing {
        /// The version.
        digest: Digest,
        /// Where it would be.
        path: PathBuf,
    },
    /// The file isn't what was kept.
    #[error("{} was changed since it was kept, and isn't used: remove it, and install the plugin's file again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The caller's bytes aren't those of the digest.
    #[error("version {digest} isn't kept: its bytes have digest {found}")]
    OtherBytes {
        /// What was to be kept.
        digest: Digest,
        /// What the bytes are.
        found: Digest,
    },
    /// Too much to hand over.
    #[error("plugin {plugin} hands over {bytes} bytes, more than the {HANDOVER} that are kept: `save` has to return less")]
    TooLarge {
        /// The plugin.
        plugin: PluginId,
        /// What it saved.
        bytes: usize,
    },
    /// No space.
    #[error("the disk is full: {} can't be written ({problem}); make room, or move the state directory", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// Nothing can be written there.
    #[error("{} can't be written ({problem}): the state directory has to be writable for who runs this", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// Anything else.
    #[error("can't {what} {}: {problem}", path.display())]
    Failed {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
}

/// Where versions are kept.
pub struct Versions {
    place: Place,
    /// Held for writing while things are deleted, so that everything unfinished that is found then is left over, and for reading while something is written.
    deleting: RwLock<()>,
    on_their_way: Mutex<Vec<Weak<Digest>>>,
}

/// A component that was kept just now. Until this is dropped, [`Versions::retain`] spares it though nobody names it yet: hold it until the state names it.
#[must_use = "a component that nobody names is deleted"]
#[derive(Debug)]
pub(crate) struct Kept {
    _digest: Arc<Digest>,
}

impl Versions {
    /// In a folder, which is made if it isn't there, with its parents. Blocks.
    ///
    /// # Errors
    /// If it can't be made, or can't be made our own.
    pub fn in_folder(folder: &Path) -> Result<Self, VersionError> {
        Ok(Self::in_place(Place::folder(folder)?))
    }

    /// In memory, for programs that keep nothing. Gone with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::in_place(Place::memory())
    }

    fn in_place(place: Place) -> Self {
        Self { place, deleting: RwLock::default(), on_their_way: Mutex::default() }
    }

    /// Keeps a component. One that is there already, and whole, isn't written again. Blocks.
    ///
    /// # Errors
    /// If the bytes aren't those of the digest, or it can't be written; what was there before is still there then.
    pub(crate) fn keep(&self, digest: Digest, bytes: &[u8]) -> Result<Kept, VersionError> {
        let found = Digest::of(bytes);
        if found != digest {
            return Err(VersionError::OtherBytes { digest, found });
        }
        let _writing = self.deleting.read().unwrap_or_else(PoisonError::into_inner);
        let kept = Arc::new(digest);
        self.with_on_their_way(|on_their_way| on_their_way.push(Arc::downgrade(&kept)));
        let name = component(digest);
        if self.place.get(&name)?.is_none_or(|there| there != bytes) {
            self.place.put(&name, bytes)?;
        }
        Ok(Kept { _digest: kept })
    }

    /// A component. Blocks.
    ///
    /// # Errors
    /// If it isn't there, isn't what was kept, or can't be read.
    pub fn load(&self, digest: Digest) -> Result<Vec<u8>, VersionError> {
        let name = component(digest);
        let bytes = self.place.get(&name)?.ok_or_else(|| VersionError::Missing { digest, path: self.place.path(&name) })?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(VersionError::Changed { path: self.place.path(&name) }) }
    }

    /// Keeps what this version of a plugin handed over, in place of what it did before. Blocks.
    ///
    /// # Errors
    /// If it is larger than [`HANDOVER`], or can't be written; what was there before is still there then.
    pub(crate) fn keep_blob(&self, plugin: &PluginId, digest: Digest, bytes: &[u8]) -> Result<(), VersionError> {
        if bytes.len() > HANDOVER {
            return Err(VersionError::TooLarge { plugin: plugin.clone(), bytes: bytes.len() });
        }
        let _writing = self.deleting.read().unwrap_or_else(PoisonError::into_inner);
        let sealed = [Digest::of(bytes).to_string().as_bytes(), bytes].concat();
        self.place.put(&memory(plugin, digest), &sealed)
    }

    /// What this version of a plugin handed over, if it did. Blocks.
    ///
    /// # Errors
    /// If it isn't what was kept, or can't be read.
    pub(crate) fn blob(&self, plugin: &PluginId, digest: Digest) -> Result<Option<Vec<u8>>, VersionError> {
        let name = memory(plugin, digest);
        let Some(mut sealed) = self.place.get(&name)? else { return Ok(None) };
        match sealed.split_at_checked(DIGITS) {
            Some((seal, bytes)) if seal == Digest::of(bytes).to_string().as_bytes() => {}
            _ => return Err(VersionError::Changed { path: self.place.path(&name) }),
        }
        sealed.drain(..DIGITS);
        Ok(Some(sealed))
    }

    /// Forgets what this version of a plugin handed over, as when it was replaced and nothing was saved: what is older isn't its memory any more. Blocks.
    ///
    /// # Errors
    /// If it can't be deleted.
    pub(crate) fn forget_blob(&self, plugin: &PluginId, digest: Digest) -> Result<(), VersionError> {
        self.place.remove(&memory(plugin, digest))
    }

    /// Deletes the components, and what they handed over, that are neither named nor [`Kept`] just now, and what a process that was killed left half-written.
    /// Files that aren't ours by their names stay. Which are named is asked when nothing can be written any more, so none is missed that is [`Kept`] no longer
    /// because it was named meanwhile. Blocks, and waits for what is being written.
    ///
    /// # Errors
    /// The first one; everything else that was to go is gone.
    pub(crate) fn retain(&self, named: impl FnOnce() -> HashSet<Digest>) -> Result<(), VersionError> {
        let _deleting = self.deleting.write().unwrap_or_else(PoisonError::into_inner);
        let spared: HashSet<Digest> = self.with_on_their_way(|kept| kept.iter().filter_map(Weak::upgrade).map(|digest| *digest).collect());
        let named = named();
        let stays = |digest| named.contains(&digest) || spared.contains(&digest);
        let goes = |name: &str| name.ends_with(UNFINISHED) || version(name).is_some_and(|digest| !stays(digest));
        let mut deleted = Ok(());
        for name in self.place.names()?.iter().filter(|name| goes(name)) {
            deleted = deleted.and(self.place.remove(name));
        }
        deleted
    }

    fn with_on_their_way<T>(&self, see: impl FnOnce(&mut Vec<Weak<Digest>>) -> T) -> T {
        let mut on_their_way = self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner);
        on_their_way.retain(|kept| kept.strong_count() > 0);
        see(&mut on_their_way)
    }
}

fn component(digest: Digest) -> String {
    format!("{digest}.{COMPONENT}")
}

fn memory(plugin: &PluginId, digest: Digest) -> String {
    format!("{plugin}.{digest}.{MEMORY}")
}

/// The version to which a file with this name belongs, if it is a file of ours.
fn version(name: &str) -> Option<Digest> {
    match name.split('.').collect::<Vec<_>>().as_slice() {
        [digest, ending] if *ending == COMPONENT => digest.parse().ok(),
        [_, digest, ending] if *ending == MEMORY => digest.parse().ok(),
        _ => None,
    }
}
