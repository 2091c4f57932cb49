//! What stands in the directory: plugins' files, each with a stamp, and what is refused, each with its reason.
//!
//! Costs a `stat` each, two for a link. Nothing is opened: to open a device or a pipe does something. What vanishes while it is looked at isn't there.

use super::rights::{Flaw, Rights};
use cap_std::fs::{Dir, FileType, FileTypeExt, Metadata, MetadataExt};
use plugbay_runtime::PluginId;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;

const SUFFIX: &str = ".wasm";

/// What tells one content of a file from the next without reading it. A touch changes it too: whether the bytes are others, only their digest says.
///
/// Two writes of equally many bytes within one tick of the file system's clock (4 ms at worst; none on kernels since 6.13) look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Its inode: another one after a rename over it.
    pub inode: u64,
    /// When its bytes were last written, in nanoseconds since 1970. Programs can set it at will.
    pub modified: i128,
    /// When its bytes, rights or name were last changed, in nanoseconds since 1970. Only the kernel sets it.
    pub changed: i128,
}

/// Why something in the directory is no plugin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its name.
    #[error(
        "its name must be `<id>.wasm`, the id being a lower-case letter, then up to 63 lower-case letters, digits and hyphens: rename it, or keep it elsewhere"
    )]
    Name,
    /// A link that leads out of the directory.
    #[error(
        "it is a link that leads outside of the directory, and is never followed: copy the file here, or link to one in here by a relative path"
    )]
    LinkOutside,
    /// A link to nothing, or to itself.
    #[error("it is a link that can't be followed ({0}): remove it, or put back what it leads to")]
    LinkBroken(String),
    /// No regular file.
    #[error("it is a {0}, and only a regular file can be a plugin: move it elsewhere")]
    Kind(&'static str),
    /// Others could change it.
    #[error(transparent)]
    Rights(Flaw),
    /// More bytes than a component may have.
    #[error("it has {size} bytes, and may have {most} (setting `engine.component-size`)")]
    TooLarge {
        /// Its bytes.
        size: u64,
        /// The limit.
        most: u64,
    },
    /// The system doesn't tell what it is.
    #[error("what it is can't be read ({0}): the directory needs `chmod u+rx`, or its disk a check")]
    Unreadable(String),
}

/// Something in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file that may be a plugin.
    File {
        /// The plugin's id: the file's name without `.wasm`.
        id: PluginId,
        /// What it is now.
        stamp: Stamp,
    },
    /// No plugin.
    Refused(Refusal),
}

/// What a file has to fulfil.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The user of this process.
    pub(super) user: u32,
    /// Bytes that a component may have.
    pub(super) most: u64,
}

impl Rules {
    /// The stamp of a regular file that nobody else can write to.
    pub(super) fn check(self, metadata: &Metadata) -> Result<Stamp, Refusal> {
        if !metadata.is_file() {
            return Err(Refusal::Kind(kind(metadata.file_type())));
        }
        Rights::of(metadata).check(self.user).map_err(Refusal::Rights)?;
        let stamp = Stamp::of(metadata);
        if stamp.size > self.most { Err(Refusal::TooLarge { size: stamp.size, most: self.most }) } else { Ok(stamp) }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |s: i64, ns: i64| i128::from(s) * 1_000_000_000 + i128::from(ns);
        Self {
            size: metadata.size(),
            inode: metadata.ino(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// How long before that moment it was changed; no time at all if that can't be said.
    pub(super) fn age(self, at: SystemTime) -> Duration {
        let at = at.duration_since(UNIX_EPOCH).ok().and_then(|since| i128::try_from(since.as_nanos()).ok());
        let age = at.and_then(|at| u64::try_from(at - self.changed).ok());
        Duration::from_nanos(age.unwrap_or(0))
    }
}

/// The name of a plugin's file.
pub(crate) fn name_of(id: &PluginId) -> String {
    format!("{id}{SUFFIX}")
}

/// The id in a file's name.
pub(super) fn id_in(name: &str) -> Option<PluginId> {
    PluginId::try_from(name.strip_suffix(SUFFIX)?.to_owned()).ok()
}

/// Whether it is what programs put beside a file while they write it: hidden files, copies under way, editors' swap files.
pub(super) fn is_passing(name: &str) -> bool {
    let unfinished = [".tmp", ".part", ".swp", ".swx", "~"].iter().any(|end| name.ends_with(end));
    unfinished || name.starts_with('.') || (name.starts_with('#') && name.ends_with('#'))
}

/// What stands there under that name.
pub(super) fn look(dir: &Dir, name: &str, path: &std::ffi::OsStr, rules: Rules) -> Option<Entry> {
    let refused = |refusal| Some(Entry::Refused(refusal));
    let metadata = match dir.symlink_metadata(path) {
        Ok(link) if link.is_symlink() => match dir.metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return refused(unfollowed(&error)),
        },
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return refused(Refusal::Unreadable(error.to_string())),
    };
    match (rules.check(&metadata), id_in(name)) {
        (Err(kind @ Refusal::Kind(_)), _) => refused(kind),
        (_, None) => refused(Refusal::Name),
        (Err(refusal), Some(_)) => refused(refusal),
        (Ok(stamp), Some(id)) => Some(Entry::File { id, stamp }),
    }
}

/// Why a link can't be followed. That it leads outside is the only refusal that cap-std makes itself, without a number from the system.
pub(super) fn unfollowed(error: &io::Error) -> Refusal {
    if is_escape(error) { Refusal::LinkOutside } else { Refusal::LinkBroken(error.to_string()) }
}

/// Whether cap-std kept a path inside.
pub(super) fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

fn kind(of: FileType) -> &'static str {
    let kinds = [
        (of.is_dir(), "directory"),
        (of.is_fifo(), "pipe"),
        (of.is_socket(), "socket"),
        (of.is_block_device() || of.is_char_device(), "device"),
    ];
    kinds.into_iter().find_map(|(is, kind)| is.then_some(kind)).unwrap_or("thing of an unknown kind")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_id_and_wasm() {
        for (name, id) in [("a.wasm", "a"), ("budget-guard.wasm", "budget-guard")] {
            assert_eq!(id_in(name).unwrap().as_str(), id);
            assert_eq!(name_of(&id_in(name).unwrap()), name);
        }
        for bad in [
            "",
            ".wasm",
            "a",
            "a.wasm.wasm",
            "A.wasm",
            "a b.wasm",
            "../a.wasm",
            "a.WASM",
            "wasm",
            "1a.wasm",
            &format!("{}.wasm", "a".repeat(65)),
        ] {
            assert!(id_in(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_programs_leave_while_writing_is_passing() {
        for name in [".hidden.wasm", "a.wasm.tmp", "a.wasm.part", ".a.wasm.swp", "a.swp", "a.swx", "a.wasm~", "#a.wasm#"] {
            assert!(is_passing(name), "{name}");
        }
        for name in ["a.wasm", "tmp.wasm", "part", "a#.wasm", "README.md"] {
            assert!(!is_passing(name), "{name}");
        }
    }

    #[test]
    fn an_age_is_never_below_zero() {
        let stamp = |changed| Stamp { size: 0, inode: 0, modified: 0, changed };
        let at = UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(stamp(4_000_000_000).age(at), Duration::from_secs(6));
        assert_eq!(stamp(11_000_000_000).age(at), Duration::ZERO);
        assert_eq!(stamp(0).age(UNIX_EPOCH - Duration::from_secs(1)), Duration::ZERO);
    }
}
