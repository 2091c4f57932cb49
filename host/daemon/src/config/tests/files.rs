//! The file on the disk, and others who change it.

use super::id;
use crate::config::{ConfigFile, Edit, FileError, write_if_unchanged};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::{TempDir, tempdir};

const TEXT: &str = "# mine\n[plugins.a]\nenabled = true\n";

fn folder() -> TempDir {
    tempdir().unwrap()
}

fn off() -> [Edit; 1] {
    [Edit::Enabled { plugin: id("a"), enabled: false }]
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn an_edit_is_written_with_the_files_mode() {
    let folder = folder();
    let path = folder.path().join("plugbay.toml");
    fs::write(&path, TEXT).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let file = ConfigFile::read(&path).unwrap();
    let stamp = file.prepare(&file.edit(&off()).unwrap()).unwrap().commit().unwrap();
    let again = ConfigFile::read(&path).unwrap();
    assert_eq!((again.text.as_str(), again.stamp), ("# mine\n[plugins.a]\nenabled = false\n", stamp));
    assert!(!again.config.plugin(&id("a")).enabled);
    assert_eq!((mode(&path), names(folder.path())), (0o640, vec!["plugbay.toml".to_owned()]));
}

#[test]
fn a_missing_file_is_empty_and_made_for_its_owner() {
    let folder = folder();
    let path = folder.path().join("plugbay.toml");
    let file = ConfigFile::read(&path).unwrap();
    assert_eq!(file.text, "");
    file.prepare(&file.edit(&off()).unwrap()).unwrap().commit().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "[plugins.a]\nenabled = false\n");
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn an_edit_by_hand_meanwhile_wins() {
    let folder = folder();
    let path = folder.path().join("plugbay.toml");
    fs::write(&path, TEXT).unwrap();
    let file = ConfigFile::read(&path).unwrap();
    let prepared = file.prepare(&file.edit(&off()).unwrap()).unwrap();
    fs::write(&path, "# by hand\n").unwrap();
    let refused = prepared.commit().unwrap_err();
    assert!(matches!(refused, FileError::Changed { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "# by hand\n");
    assert_eq!(names(folder.path()), ["plugbay.toml"], "the new file is gone");
    // Removed is changed, too.
    let file = ConfigFile::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(write_if_unchanged(&path, file.stamp, "x"), Err(FileError::Changed { .. })));
    // And so is made where none was.
    let file = ConfigFile::read(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert!(matches!(write_if_unchanged(&path, file.stamp, "x"), Err(FileError::Changed { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
}

#[test]
fn what_is_prepared_and_dropped_is_gone() {
    let folder = folder();
    let path = folder.path().join("plugbay.toml");
    fs::write(&path, TEXT).unwrap();
    let file = ConfigFile::read(&path).unwrap();
    let prepared = file.prepare(&file.edit(&off()).unwrap()).unwrap();
    assert_eq!(names(folder.path()).len(), 2, "it stands beside the file");
    assert_eq!(fs::read_to_string(&path).unwrap(), TEXT);
    drop(prepared);
    assert_eq!(names(folder.path()), ["plugbay.toml"]);
}

#[test]
fn of_a_link_the_file_it_names_is_edited() {
    let folder = folder();
    let (real, link) = (folder.path().join("real"), folder.path().join("links"));
    fs::create_dir_all(&real).unwrap();
    fs::create_dir_all(&link).unwrap();
    let (target, path) = (real.join("conf.toml"), link.join("plugbay.toml"));
    symlink("../real/conf.toml", &path).unwrap();
    for text in [None, Some(TEXT)] {
        if let Some(text) = text {
            fs::write(&target, text).unwrap();
        }
        let file = ConfigFile::read(&path).unwrap();
        assert_eq!(file.config.host.state, link.join("state"), "paths begin where the operator named the file");
        file.prepare(&file.edit(&off()).unwrap()).unwrap().commit().unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert!(fs::read_to_string(&target).unwrap().ends_with("[plugins.a]\nenabled = false\n"));
        assert_eq!(names(&link), ["plugbay.toml"]);
    }
}

#[test]
fn what_is_no_file_of_text_is_refused() {
    let folder = folder();
    let path = folder.path().join("plugbay.toml");
    let refused = |expected: &str| {
        let error = ConfigFile::read(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    fs::create_dir(&path).unwrap();
    refused("expected a file");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"# a\n# \xff").unwrap();
    refused("plugbay.toml:2:3: expected UTF-8 text");
    fs::write(&path, vec![b'#'; (4 << 20) + 1]).unwrap();
    refused("it has 4194305 bytes, and may have 4194304");
    fs::remove_file(&path).unwrap();
    symlink(&path, &path).unwrap();
    refused("can't read the configuration");
    let error =
        write_if_unchanged(&folder.path().join("no/plugbay.toml"), ConfigFile::read(Path::new("/no/such")).unwrap().stamp, "").unwrap_err();
    assert!(error.to_string().contains("make a file beside it"), "{error}");
}
