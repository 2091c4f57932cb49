//! In a folder and in memory alike; then what only a disk can do.

use super::place::failed;
use super::*;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use tempfile::TempDir;

fn plugin(id: &str) -> PluginId {
    PluginId::try_from(id.to_owned()).unwrap()
}

fn in_folder() -> (TempDir, Versions) {
    let parent = tempfile::tempdir().unwrap();
    let versions = Versions::in_folder(&parent.path().join("state/versions")).unwrap();
    (parent, versions)
}

fn kept(versions: &Versions, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    drop(versions.keep(digest, bytes).unwrap());
    digest
}

fn path(versions: &Versions, name: &str) -> PathBuf {
    versions.place.path(name)
}

fn names(versions: &Versions) -> Vec<String> {
    let mut names = versions.place.names().unwrap();
    names.sort();
    names
}

#[test]
fn what_is_kept_is_loaded_until_nobody_names_it() {
    let (_parent, folder) = in_folder();
    for versions in [folder, Versions::in_memory()] {
        let (one, two) = (kept(&versions, b"one"), kept(&versions, b"two"));
        versions.keep_blob(&plugin("a"), one, b"memory of one").unwrap();
        versions.keep_blob(&plugin("a"), two, b"").unwrap();
        assert_eq!((versions.load(one).unwrap(), versions.load(two).unwrap()), (b"one".to_vec(), b"two".to_vec()));

        versions.retain(|| HashSet::from([two])).unwrap();
        assert!(matches!(versions.load(one), Err(VersionError::Missing { digest, .. }) if digest == one));
        assert_eq!(versions.blob(&plugin("a"), one).unwrap(), None);
        assert_eq!(versions.load(two).unwrap(), b"two");
        assert_eq!(versions.blob(&plugin("a"), two).unwrap(), Some(Vec::new()));
        versions.retain(HashSet::new).unwrap();
        assert_eq!(names(&versions), Vec::<String>::new());
    }
}

#[test]
fn a_blob_belongs_to_a_plugin_and_a_version_and_the_last_one_counts() {
    let (_parent, folder) = in_folder();
    for versions in [folder, Versions::in_memory()] {
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        for (id, digest, bytes) in [("a", one, "a1"), ("a", two, "a2"), ("b", one, "b1"), ("a", one, "a1 again")] {
            versions.keep_blob(&plugin(id), digest, bytes.as_bytes()).unwrap();
        }
        let blob = |id, digest| versions.blob(&plugin(id), digest).unwrap().map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!([blob("a", one), blob("a", two), blob("b", one)], ["a1 again", "a2", "b1"].map(|text| Some(text.to_owned())));
        assert_eq!(blob("b", two), None);

        versions.forget_blob(&plugin("a"), one).unwrap();
        versions.forget_blob(&plugin("a"), one).unwrap();
        assert_eq!([blob("a", one), blob("b", one)], [None, Some("b1".to_owned())]);
    }
}

#[test]
fn a_blob_has_at_most_four_mebibytes() {
    let versions = Versions::in_memory();
    let digest = Digest::of(b"one");
    versions.keep_blob(&plugin("a"), digest, &vec![7; 4 << 20]).unwrap();
    let refused = versions.keep_blob(&plugin("a"), digest, &vec![8; (4 << 20) + 1]).unwrap_err().to_string();
    assert_eq!(refused, "plugin a hands over 4194305 bytes, more than the 4194304 that are kept: `save` has to return less");
    assert_eq!(versions.blob(&plugin("a"), digest).unwrap(), Some(vec![7; 4 << 20]), "the one before is still there");
}

#[test]
fn bytes_of_another_digest_are_not_kept() {
    let versions = Versions::in_memory();
    let one = kept(&versions, b"one");
    assert!(
        matches!(versions.keep(one, b"two"), Err(VersionError::OtherBytes { digest, found }) if digest == one && found == Digest::of(b"two"))
    );
    assert_eq!(versions.load(one).unwrap(), b"one");
}

#[test]
fn what_was_just_kept_is_spared_until_the_state_names_it() {
    let (_parent, folder) = in_folder();
    for versions in [folder, Versions::in_memory()] {
        let digest = Digest::of(b"one");
        let (first, second) = (versions.keep(digest, b"one").unwrap(), versions.keep(digest, b"one").unwrap());
        drop(first);
        versions.retain(HashSet::new).unwrap();
        assert_eq!(versions.load(digest).unwrap(), b"one");
        drop(second);
        versions.retain(HashSet::new).unwrap();
        assert!(versions.load(digest).is_err());
    }
}

#[test]
fn folder_and_files_are_ours_alone() {
    let (_parent, versions) = in_folder();
    let digest = kept(&versions, b"one");
    versions.keep_blob(&plugin("a"), digest, b"memory").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(names(&versions), {
        let mut names = [format!("{digest}.wasm"), format!("a.{digest}.handover")];
        names.sort();
        names
    });
    assert!(names(&versions).iter().all(|name| mode(&path(&versions, name)) == 0o600));

    let folder = path(&versions, "");
    assert_eq!(mode(&folder), 0o700);
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let again = Versions::in_folder(&folder).unwrap();
    assert_eq!((mode(&folder), again.load(digest).unwrap()), (0o700, b"one".to_vec()));
}

#[test]
fn a_component_that_is_there_is_not_written_again_and_one_that_was_changed_is() {
    let (_parent, versions) = in_folder();
    let digest = kept(&versions, b"one");
    let file = path(&versions, &format!("{digest}.wasm"));
    let inode = || fs::metadata(&file).unwrap().ino();
    let before = inode();
    kept(&versions, b"one");
    assert_eq!(inode(), before);

    fs::write(&file, "oni").unwrap();
    let Err(VersionError::Changed { path }) = versions.load(digest) else { panic!("a changed file was loaded") };
    assert_eq!(path, file);
    kept(&versions, b"one");
    assert_eq!(versions.load(digest).unwrap(), b"one");
}

#[test]
fn a_blob_that_was_changed_or_cut_is_no_memory() {
    let (_parent, versions) = in_folder();
    let digest = Digest::of(b"one");
    versions.keep_blob(&plugin("a"), digest, b"memory").unwrap();
    let file = path(&versions, &format!("a.{digest}.handover"));
    let whole = fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() - 1], &whole[..DIGITS - 1], &[], &[&whole[..], b"!"].concat()] {
        fs::write(&file, damaged).unwrap();
        assert!(matches!(versions.blob(&plugin("a"), digest), Err(VersionError::Changed { path }) if path == file), "{damaged:?}");
    }
}

#[test]
fn what_was_left_half_written_goes_and_what_is_not_ours_stays() {
    let (_parent, versions) = in_folder();
    let digest = kept(&versions, b"one");
    let upper = format!("{}.wasm", digest.to_string().to_uppercase());
    let foreign = ["notes.txt", "no-shell.wasm", &upper, &format!("{digest}.cwasm"), &format!("a.b.{digest}.handover")];
    for name in foreign.into_iter().chain([".tmpAbCdEf.tmp", "x.tmp"]) {
        fs::write(path(&versions, name), "").unwrap();
    }
    versions.retain(HashSet::new).unwrap();
    let mut expected = foreign.map(ToOwned::to_owned);
    expected.sort();
    assert_eq!(names(&versions), expected);
}

#[test]
fn one_that_cannot_be_deleted_keeps_no_other() {
    let (_parent, versions) = in_folder();
    let stuck: Vec<_> = (0..8).map(|n: u8| Digest::of(&[n])).collect();
    for digest in &stuck[..4] {
        fs::create_dir(path(&versions, &format!("{digest}.wasm"))).unwrap(); // a folder isn't removed as a file is
    }
    for n in 4..8 {
        kept(&versions, &[n]);
    }
    let Err(VersionError::Failed { what: "delete", .. }) = versions.retain(HashSet::new) else { panic!("nothing is said of it") };
    assert_eq!(names(&versions).len(), 4);
}

#[test]
fn a_write_that_fails_names_the_file_and_leaves_nothing_behind() {
    let (_parent, versions) = in_folder();
    let digest = Digest::of(b"one");
    let file = path(&versions, &format!("{digest}.wasm"));
    fs::create_dir(&file).unwrap();
    let Err(VersionError::Failed { path, .. }) = versions.keep(digest, b"one") else { panic!("kept over a folder") };
    assert_eq!((path, names(&versions).len()), (file.clone(), 1));

    let blob = path_of_blob(&versions, digest);
    fs::create_dir(&blob).unwrap();
    let said = versions.keep_blob(&plugin("a"), digest, b"memory").unwrap_err().to_string();
    assert!(said.starts_with(&format!("can't write {}: ", blob.display())), "{said}");
    assert_eq!(names(&versions).len(), 2, "the temporary file is gone");

    let Err(VersionError::Failed { path, .. }) = Versions::in_folder(&file.join("x\0")) else { panic!("made an impossible folder") };
    assert_eq!(path, file.join("x\0"));
}

fn path_of_blob(versions: &Versions, digest: Digest) -> PathBuf {
    path(versions, &format!("a.{digest}.handover"))
}

#[test]
fn a_full_and_a_read_only_disk_are_told_apart() {
    let told = |kind: ErrorKind| failed("write", Path::new("versions/file"), kind.into());
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        let error = told(kind);
        assert!(matches!(&error, VersionError::DiskFull { path, .. } if path == Path::new("versions/file")), "{error:?}");
        assert!(error.to_string().starts_with("the disk is full: versions/file can't be written ("), "{error}");
    }
    let error = told(ErrorKind::ReadOnlyFilesystem);
    assert!(matches!(&error, VersionError::ReadOnly { path, .. } if path == Path::new("versions/file")), "{error:?}");
    assert!(matches!(told(ErrorKind::PermissionDenied), VersionError::Failed { what: "write", .. }));
}

#[test]
fn threads_that_keep_and_delete_at_once_lose_nothing_that_is_held() {
    let (_parent, versions) = in_folder();
    let named = HashSet::from([kept(&versions, b"named")]);
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let (versions, named) = (&versions, &named);
            scope.spawn(move || {
                for n in 0..25_u8 {
                    let bytes = [thread % 2, n]; // two threads keep the same
                    let held = versions.keep(Digest::of(&bytes), &bytes).unwrap();
                    versions.retain(|| named.clone()).unwrap();
                    assert_eq!(versions.load(Digest::of(&bytes)).unwrap(), bytes);
                    drop(held);
                }
            });
        }
    });
    versions.retain(|| named.clone()).unwrap();
    assert_eq!(names(&versions), [format!("{}.wasm", Digest::of(b"named"))]);
}
