//! An outbox in a folder: a folder for each delivery, with its files by number. Names that plugins choose are never names of files.
//!
//! A file costs its bytes and a sync; a delivery's folder is made aside, and takes its place by one rename. So what is there is whole, and what a host that dies leaves half is cleared when it starts
//! again. It belongs to one host: whoever opens it clears what is half there, and nothing else may be in it. Folders are their owner's alone.

use super::parcel::{Draft, Outbox, OutboxError, OutboxReply, Packed, Parcel};
use std::any::Any;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Where files are written before they are handed over.
const DRAFTS: &str = "drafts";
/// What the name of a folder there ends with, in which a delivery's files are gathered.
const PARCEL: &str = ".parcel";

/// An outbox in a folder.
#[derive(Debug, Clone)]
pub struct FolderOutbox {
    folder: Arc<Path>,
}

impl FolderOutbox {
    /// Makes the folder if there is none, and clears what was half written there.
    ///
    /// # Errors
    /// As the file system says; and if anything is there that no outbox put there, with nothing of it touched.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let drafts = folder.join(DRAFTS);
        only(folder, |name| name == DRAFTS || is_id(name))?;
        if only(&drafts, |name| is_id(name.strip_suffix(PARCEL).unwrap_or(name)))? {
            fs::remove_dir_all(&drafts)?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&drafts)?;
        Ok(Self { folder: folder.into() })
    }

    fn delivery(&self, id: &str) -> Result<PathBuf, OutboxError> {
        let plain = !id.is_empty() && id != DRAFTS && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if plain { Ok(self.folder.join(id)) } else { Err(OutboxError::Failed(format!("{id:?} is no delivery's id"))) }
    }

    fn put_now(&self, parcel: Parcel) -> Result<(), OutboxError> {
        let place = self.delivery(&parcel.id)?;
        if parcel.files.is_empty() {
            return Ok(()); // words are listed, and nowhere else
        }
        let aside = self.folder.join(DRAFTS).join(format!("{}{PARCEL}", parcel.id));
        let put = pack(&aside, parcel.files).and_then(|()| {
            fs::rename(&aside, &place)?;
            sync(&self.folder)
        });
        put.map_err(|error| {
            // What stays there is cleared at the next start.
            drop(fs::remove_dir_all(&aside));
            told(&error)
        })
    }
}

/// Makes sure that a folder has nothing but this in it. Whether there is such a folder.
fn only(folder: &Path, ours: impl Fn(&str) -> bool) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        if !name.to_str().is_some_and(&ours) {
            let place = folder.join(name);
            let why = format!("{} is there, and no outbox put it there: say a directory in which nothing else is", place.display());
            return Err(io::Error::other(why));
        }
    }
    Ok(true)
}

/// Whether this is how deliveries and drafts are called.
fn is_id(name: &str) -> bool {
    Uuid::try_parse(name).is_ok()
}

/// Moves drafts into a folder, under their numbers, and makes sure of them.
fn pack(folder: &Path, files: Vec<Packed>) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)?;
    for (number, packed) in files.into_iter().enumerate() {
        let draft = packed.draft.into_any().downcast::<FolderDraft>();
        let draft = draft.map_err(|_| io::Error::other("the file was written for another outbox"))?;
        draft.file.sync_all()?;
        fs::rename(&draft.path, folder.join(number.to_string()))?;
    }
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn told(error: &io::Error) -> OutboxError {
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge].contains(&error.kind());
    if full { OutboxError::Full(error.to_string()) } else { OutboxError::Failed(error.to_string()) }
}

/// Work with files, on a thread for it.
fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, OutboxError> + Send + 'static) -> OutboxReply<'static, T> {
    Box::pin(async move { tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(OutboxError::Failed(e.to_string()))) })
}

impl Outbox for FolderOutbox {
    fn draft(&self) -> OutboxReply<'_, Box<dyn Draft>> {
        let path = self.folder.join(DRAFTS).join(Uuid::new_v4().to_string());
        apart(move || {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(|e| told(&e))?;
            Ok(Box::new(FolderDraft { path, file: Arc::new(file) }) as Box<dyn Draft>)
        })
    }

    fn put(&self, parcel: Parcel) -> OutboxReply<'_, ()> {
        let outbox = self.clone();
        apart(move || outbox.put_now(parcel))
    }

    fn read<'a>(&'a self, delivery: &'a str, file: usize) -> OutboxReply<'a, Option<File>> {
        let place = self.delivery(delivery).map(|place| place.join(file.to_string()));
        apart(move || match File::open(place?) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(told(&error)),
        })
    }

    fn discard<'a>(&'a self, delivery: &'a str) -> OutboxReply<'a, ()> {
        let place = self.delivery(delivery);
        apart(move || match fs::remove_dir_all(place?) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(told(&error)),
        })
    }

    fn kept(&self) -> OutboxReply<'_, Vec<String>> {
        let folder = self.folder.clone();
        apart(move || {
            let mut kept = Vec::new();
            for entry in fs::read_dir(&folder).map_err(|e| told(&e))? {
                let name = entry.map_err(|e| told(&e))?.file_name();
                // Whatever else is there is somebody else's.
                kept.extend(name.to_str().filter(|name| is_id(name)).map(str::to_owned));
            }
            Ok(kept)
        })
    }
}

/// A file that is being written.
struct FolderDraft {
    path: PathBuf,
    file: Arc<File>,
}

impl Draft for FolderDraft {
    fn write(&mut self, bytes: Vec<u8>) -> OutboxReply<'_, ()> {
        let file = self.file.clone();
        apart(move || (&*file).write_all(&bytes).map_err(|e| told(&e)))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl Drop for FolderDraft {
    fn drop(&mut self) {
        // It isn't there if it was handed over. What can't be removed is cleared at the next start.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0190c2f4-0000-4000-8000-000000000001";

    async fn written(outbox: &FolderOutbox, text: &str) -> Packed {
        let mut draft = outbox.draft().await.unwrap();
        draft.write(text.into()).await.unwrap();
        Packed { name: "a.txt".into(), content_type: "text/plain".into(), bytes: text.len() as u64, draft }
    }

    fn parcel(id: &str, files: Vec<Packed>) -> Parcel {
        Parcel { id: id.into(), session: "s".into(), plugin: "p".into(), run: None, caption: None, files }
    }

    fn drafts(folder: &Path) -> usize {
        fs::read_dir(folder.join(DRAFTS)).unwrap().count()
    }

    #[tokio::test]
    async fn a_delivery_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = FolderOutbox::open(folder.path()).unwrap();
        let files = vec![written(&outbox, "one").await, written(&outbox, "two").await];
        outbox.put(parcel(ONE, files)).await.unwrap();
        let mut second = outbox.read(ONE, 1).await.unwrap().unwrap();
        assert_eq!(io::read_to_string(&mut second).unwrap(), "two");
        assert!(outbox.read(ONE, 2).await.unwrap().is_none() && outbox.read("another", 0).await.unwrap().is_none());
        assert_eq!((outbox.kept().await.unwrap(), drafts(folder.path())), (vec![ONE.to_owned()], 0));
        // Its place is taken: nothing of the second is left.
        let again = vec![written(&outbox, "three").await];
        assert!(matches!(outbox.put(parcel(ONE, again)).await, Err(OutboxError::Failed(_))));
        assert_eq!(drafts(folder.path()), 0);
        fs::create_dir(folder.path().join("somebody-elses")).unwrap();
        outbox.discard(ONE).await.unwrap();
        outbox.discard(ONE).await.unwrap();
        assert_eq!(outbox.kept().await.unwrap(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_is_half_there_is_cleared_and_what_is_dropped_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = FolderOutbox::open(folder.path()).unwrap();
        drop(written(&outbox, "never sent").await);
        assert_eq!(drafts(folder.path()), 0);
        std::mem::forget(written(&outbox, "its host dies").await);
        assert_eq!(drafts(folder.path()), 1);
        FolderOutbox::open(folder.path()).unwrap();
        assert_eq!(drafts(folder.path()), 0);
    }

    #[test]
    fn what_is_somebody_elses_is_refused_and_left_alone() {
        for theirs in ["posts/one.md", "drafts/one.md", "drafts/0190c2f4-0000-4000-8000-000000000001.md"] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join(theirs);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::create_dir_all(folder.path().join(DRAFTS)).unwrap();
            fs::write(&file, "mine").unwrap();
            let said = FolderOutbox::open(folder.path()).unwrap_err().to_string();
            assert!(said.contains("no outbox put it there"), "{said}");
            assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        }
    }

    #[tokio::test]
    async fn no_id_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = FolderOutbox::open(&folder.path().join("outbox")).unwrap();
        for id in ["..", "../outbox", "", DRAFTS, "a/b", "."] {
            assert!(outbox.read(id, 0).await.is_err() && outbox.discard(id).await.is_err(), "{id:?}");
            assert!(outbox.put(parcel(id, Vec::new())).await.is_err(), "{id:?}");
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_said_to_be_full() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut draft = FolderDraft { path: PathBuf::from("/nowhere/at/all"), file: Arc::new(full) };
        assert!(matches!(draft.write(vec![0; 10]).await, Err(OutboxError::Full(_))));
    }
}
