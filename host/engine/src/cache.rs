//! Compiled code on disk, so that a plugin is compiled once for a machine.
//!
//! A file is named by what decides its content: the component's digest, the engine's compatibility hash, the profile. Beside it stands a keyed BLAKE3 of it;
//! the key is kept outside the folder. What doesn't verify, for whatever reason, is compiled again. Files are written under a temporary name and
//! renamed, the folder is ours alone (0700), and no failure of the disk ever fails a load: it is logged, and costs a compilation.

use crate::admission::Digest;
use crate::artifact::{self, Trusted};
use crate::profile::Profile;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmtime::component::Component;

/// Bytes of a key and of a hash.
const KEY: usize = 32;

/// Bytes of compiled code that take longer to read and to check than a call usually takes.
const LARGE: u64 = 4 << 20;

/// How files end that are being written.
const UNFINISHED: &str = "tmp";

/// Where compiled code is kept.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// The folder; made if it isn't there, with its parents.
    pub folder: PathBuf,
    /// The file with the key that vouches for the folder's content; made if it isn't there. It must be outside the folder.
    pub key: PathBuf,
}

pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY],
    suffix: String,
}

impl Cache {
    pub(crate) fn open(settings: &CacheSettings, engine: &wasmtime::Engine, profile: Profile) -> io::Result<Self> {
        let folder = &settings.folder;
        if settings.key.starts_with(folder) {
            return Err(io::Error::other(format!("the cache's key {} must be outside its folder", settings.key.display())));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        ours(&fs::metadata(folder)?, folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        clear_unfinished(folder)?;
        let mut compatibility = Fingerprint(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        let engine_hash = compatibility.0.finalize().to_hex();
        let suffix = format!("{}-{profile}", engine_hash.as_str().get(..16).unwrap_or_default());
        Ok(Self { folder: folder.clone(), key: key(&settings.key)?, suffix })
    }

    /// Whether reading the compiled component takes long, if it is here.
    pub(crate) fn is_large(&self, digest: Digest) -> bool {
        fs::metadata(self.path(digest)).is_ok_and(|m| m.len() > LARGE)
    }

    /// The compiled component, if it is here and whole.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, digest: Digest) -> Option<Component> {
        let path = self.path(digest);
        let verified = self.verified(&path).unwrap_or_else(|e| {
            tracing::warn!("compiled code {} can't be read and is made again: {e}", path.display());
            None
        })?;
        match artifact::map(engine, &verified) {
            Ok(component) => Some(component),
            Err(e) => {
                tracing::warn!("compiled code {} can't be loaded and is made again: {e:#}", path.display());
                None
            }
        }
    }

    /// Keeps compiled code. A failure is logged.
    pub(crate) fn keep(&self, digest: Digest, artifact: &Trusted<Vec<u8>>) {
        let path = self.path(digest);
        let mut hasher = self.hasher(&path);
        hasher.update(artifact.get());
        let kept = self.write(&path, artifact.get()).and_then(|()| self.write(&seal(&path), hasher.finalize().as_bytes()));
        if let Err(e) = kept {
            tracing::warn!("compiled code {} can't be kept: {e}", path.display());
        }
    }

    /// The file, if its keyed hash is right. Both are read through the descriptor that will be mapped.
    fn verified(&self, path: &Path) -> io::Result<Option<Trusted<File>>> {
        let (Some(mut file), Some(mut seal)) = (open(path)?, open(&seal(path))?) else { return Ok(None) };
        let mut expected = [0; KEY];
        seal.read_exact(&mut expected)?;
        let mut hasher = self.hasher(path);
        hasher.update_reader(&mut file)?; // 64 KiB at a time, which its vector code needs; `io::copy` has 8
        if hasher.finalize() != blake3::Hash::from_bytes(expected) {
            return Err(io::Error::other("its keyed hash is wrong"));
        }
        Ok(Some(Trusted::vouch(file)))
    }

    /// The keyed hash of a file begins with its name, so that one that was moved to another's place doesn't verify there.
    fn hasher(&self, path: &Path) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::rename(write_new(&self.folder, bytes)?, path)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}-{}.cwasm", self.suffix))
    }
}

/// Where the keyed hash of a file stands.
fn seal(path: &Path) -> PathBuf {
    path.with_extension("b3")
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Reads the key, or makes one.
fn key(path: &Path) -> io::Result<[u8; KEY]> {
    match open(path)? {
        Some(file) => read_key(file, path),
        None => match make_key(path) {
            // Another process was faster.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => read_key(File::open(path)?, path),
            made => made,
        },
    }
}

fn read_key(mut file: File, path: &Path) -> io::Result<[u8; KEY]> {
    let metadata = file.metadata()?;
    ours(&metadata, path)?;
    if metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other(format!("others may read or write the cache's key {}: chmod 600 it", path.display())));
    }
    let mut key = [0; KEY];
    file.read_exact(&mut key)?;
    Ok(key)
}

/// Written elsewhere and linked into place, so that nobody ever reads half a key.
fn make_key(path: &Path) -> io::Result<[u8; KEY]> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let key = random()?;
    let temporary = write_new(folder, &key)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    linked.map(|()| key)
}

/// Writes a file that nobody else has, under a name that nobody can guess.
fn write_new(folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = blake3::Hash::from_bytes(random()?).to_hex();
    let path = folder.join(format!("{name}.{UNFINISHED}"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(path)
}

/// Removes what a process that was killed left half-written; what is being written now is younger.
fn clear_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == UNFINISHED) {
            match clear_old(&path) {
                // Another process has finished or cleared it.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                cleared => cleared?,
            }
        }
    }
    Ok(())
}

fn clear_old(path: &Path) -> io::Result<()> {
    let age = fs::symlink_metadata(path)?.modified()?.elapsed().unwrap_or_default();
    if age > Duration::from_secs(3_600) { fs::remove_file(path) } else { Ok(()) }
}

fn random() -> io::Result<[u8; KEY]> {
    let mut bytes = [0; KEY];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(bytes)
}

/// Whether a file or folder belongs to whom this process runs as.
fn ours(metadata: &Metadata, path: &Path) -> io::Result<()> {
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() == us { Ok(()) } else { Err(io::Error::other(format!("{} belongs to another user", path.display()))) }
}

/// Feeds `Hash` into BLAKE3, so that the answer is the same in every process.
struct Fingerprint(blake3::Hasher);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.0.finalize().as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_finish_meanwhile_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                for n in 0..20_000 {
                    fs::write(folder.path().join("a.tmp"), "").unwrap();
                    fs::rename(folder.path().join("a.tmp"), folder.path().join(format!("{}", n % 8))).unwrap();
                }
            });
            clear_unfinished(folder.path()).unwrap();
            while !others.is_finished() {
                clear_unfinished(folder.path()).unwrap();
            }
        });
    }

    #[test]
    fn what_was_left_half_written_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, age: u64| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        [("old.tmp", 7_200), ("young.tmp", 60), ("old.cwasm", 7_200)].into_iter().for_each(|(name, age)| file(name, age));
        clear_unfinished(folder.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["old.cwasm", "young.tmp"]);
    }
}
