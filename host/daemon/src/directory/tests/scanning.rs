//! What is there, what is refused, what is read.

use super::*;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;

#[test]
fn a_scan_lists_files_and_what_is_refused() {
    let folder = Folder::new();
    folder.put("a.wasm", "12345");
    folder.put("b.wasm", "");
    folder.put("Bad.wasm", "");
    folder.put("README.md", "");
    folder.make(&folder.path("dir.wasm"));
    folder.put("wide.wasm", "");
    mode(&folder.path("wide.wasm"), 0o666);
    folder.put("large.wasm", &"x".repeat(1_001));
    folder.put("most.wasm", &"x".repeat(1_000));
    folder.pipe("pipe.wasm");
    let _socket = UnixListener::bind(folder.path("socket.wasm")).unwrap();
    for passing in [".a.wasm", "c.wasm.tmp", "c.wasm.part", "a.wasm~"] {
        folder.put(passing, "");
    }
    let scan = folder.open().unwrap().scan().unwrap();
    let found = scan.entries.iter().filter_map(|(name, entry)| matches!(entry, Entry::File { .. }).then_some(name.as_str()));
    assert_eq!(found.collect::<Vec<_>>(), ["a.wasm", "b.wasm", "most.wasm"]);
    for (name, why) in [
        ("Bad.wasm", Refusal::Name),
        ("README.md", Refusal::Name),
        ("dir.wasm", Refusal::Kind("directory")),
        ("pipe.wasm", Refusal::Kind("pipe")),
        ("socket.wasm", Refusal::Kind("socket")),
        ("wide.wasm", Refusal::Rights(Flaw::World { mode: 0o666 })),
        ("large.wasm", Refusal::TooLarge { size: 1_001, most: 1_000 }),
    ] {
        assert_eq!(refusal(&scan, name), why, "{name}");
    }
    assert_eq!(scan.entries.len(), 3 + 7, "{:?}", scan.entries);
}

#[test]
fn links_lead_nowhere_outside() {
    let folder = Folder::new();
    fs::write(folder.0.path().join("secret"), "secret").unwrap();
    folder.put("target.wasm", "12345");
    let inside = folder.path("target.wasm");
    for (target, name) in [
        (Path::new("target.wasm"), "good.wasm"),
        (Path::new("../secret"), "up.wasm"),
        (Path::new("../plugins/target.wasm"), "around.wasm"),
        (inside.as_path(), "absolute.wasm"),
        (Path::new("/dev/zero"), "zero.wasm"),
        (Path::new("nothing"), "broken.wasm"),
        (Path::new("self.wasm"), "self.wasm"),
    ] {
        symlink(target, folder.path(name)).unwrap();
    }
    let directory = folder.open().unwrap();
    let scan = directory.scan().unwrap();
    assert!(matches!(&scan.entries["good.wasm"], Entry::File { stamp, .. } if stamp.size == 5), "{scan:?}");
    assert_eq!(directory.read(&id("good")).unwrap().bytes, b"12345");
    for name in ["up", "around", "absolute", "zero"] {
        assert_eq!(refusal(&scan, &format!("{name}.wasm")), Refusal::LinkOutside, "{name}");
        let read = directory.read(&id(name));
        assert!(matches!(read, Err(ReadError::Refused { why: Refusal::LinkOutside, .. })), "{name}: {read:?}");
    }
    for name in ["broken", "self"] {
        assert!(matches!(refusal(&scan, &format!("{name}.wasm")), Refusal::LinkBroken(_)), "{name}");
        assert!(directory.read(&id(name)).is_err(), "{name}");
    }
}

#[test]
fn a_file_is_read_with_its_stamp() {
    let folder = Folder::new();
    let directory = folder.open().unwrap();
    assert!(matches!(directory.read(&id("a")), Err(ReadError::Gone { .. })));
    folder.put("a.wasm", "12345");
    let read = directory.read(&id("a")).unwrap();
    assert_eq!(read.bytes, b"12345");
    assert_eq!(directory.scan().unwrap().entries["a.wasm"], Entry::File { id: id("a"), stamp: read.stamp });
    folder.put("a.wasm", "54321");
    assert_ne!(directory.read(&id("a")).unwrap().stamp, read.stamp);
}

#[test]
fn what_is_no_plugin_is_not_read() {
    let folder = Folder::new();
    folder.pipe("pipe.wasm");
    folder.put("wide.wasm", "");
    mode(&folder.path("wide.wasm"), 0o602);
    folder.put("large.wasm", &"x".repeat(1_001));
    folder.make(&folder.path("dir.wasm"));
    let directory = folder.open().unwrap();
    let scan = directory.scan().unwrap();
    for name in ["pipe", "wide", "large", "dir"] {
        match directory.read(&id(name)) {
            Err(ReadError::Refused { file, why }) => assert_eq!(why, refusal(&scan, &file), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_directory_that_others_could_change_is_refused() {
    let folder = Folder::new();
    let refused = || folder.open().unwrap_err().to_string();
    mode(&folder.plugins(), 0o1777);
    assert!(refused().contains("chmod go-w"), "{}", refused());
    mode(&folder.plugins(), 0o755);
    assert!(folder.open().is_ok());
    if is_root() {
        chown(folder.plugins(), None, Some(12_345)).unwrap();
        mode(&folder.plugins(), 0o775);
        assert!(refused().contains("chmod g-w"), "{}", refused());
        chown(folder.plugins(), Some(12_345), None).unwrap();
        assert!(refused().contains("chown 0"), "{}", refused());
    }
}

#[test]
fn what_is_no_directory_is_refused() {
    let folder = Folder::new();
    let open = |name: &str| Directory::open(&folder.path(name), 1).unwrap_err();
    assert!(matches!(open("nothing"), DirectoryError::Missing { .. }));
    folder.put("file", "");
    assert!(matches!(open("file"), DirectoryError::NoDirectory { .. }));
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    if !is_root() {
        return; // nobody else can give files away; `rights` has the rule
    }
    let folder = Folder::new();
    folder.put("a.wasm", "");
    chown(folder.path("a.wasm"), Some(12_345), None).unwrap();
    let scan = folder.open().unwrap().scan().unwrap();
    assert_eq!(refusal(&scan, "a.wasm"), Refusal::Rights(Flaw::Foreign { owner: 12_345, user: 0 }));
}

#[test]
fn a_directory_that_becomes_writable_to_all_is_no_longer_read() {
    let folder = Folder::new();
    folder.put("a.wasm", "1");
    let directory = folder.open().unwrap();
    mode(&folder.plugins(), 0o757);
    assert!(matches!(directory.scan(), Err(DirectoryError::Rights { flaw: Flaw::World { mode: 0o757 }, .. })));
    assert!(matches!(directory.read(&id("a")), Err(ReadError::Directory(_))));
}
