//! Files of plugins on their way to a disk: under names that lead nowhere else, whole or not at all, and never over a file that is there unless that is wanted.
//!
//! Each is written beside its place and put there by one rename, so it costs no memory, and a link at its place is replaced, never followed.

use crate::api::types::DeliveredFile;
use crate::client::{Client, Route};
use crate::output::is_treacherous;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Characters of a name; file systems have room for 255 bytes.
const NAME: usize = 60;

/// Where files are put.
pub(super) struct Target {
    /// The directory.
    folder: PathBuf,
    /// What the one file is called, if somebody said so.
    name: Option<PathBuf>,
    /// Whether files may be there already.
    force: bool,
}

impl Target {
    /// What was said, for so many files.
    pub(super) fn new(said: Option<PathBuf>, files: usize, force: bool) -> Result<Self> {
        match said {
            None => Ok(Self { folder: PathBuf::from("."), name: None, force }),
            Some(folder) if folder.is_dir() => Ok(Self { folder, name: None, force }),
            Some(path) if files > 1 => {
                bail!("{} is no directory, and there are {files} files: make one, or say which file", path.display())
            }
            Some(path) => {
                let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
                Ok(Self { folder, name: Some(path), force })
            }
        }
    }

    /// Where each of them is put. Those of one name get others.
    pub(super) fn places<'f>(&self, files: &[&'f DeliveredFile]) -> Vec<(&'f DeliveredFile, PathBuf)> {
        let mut taken = BTreeSet::new();
        let place = |file: &&'f DeliveredFile| {
            let mut name = plain(&file.name, file.number);
            while !taken.insert(name.to_lowercase()) {
                name = format!("{}-{name}", file.number);
            }
            let path =
                self.name.clone().unwrap_or_else(|| if self.folder == Path::new(".") { name.into() } else { self.folder.join(name) });
            (*file, path)
        };
        files.iter().map(place).collect()
    }

    /// Gets a file.
    pub(super) async fn save(&self, client: &Client, route: &Route, path: &Path) -> Result<()> {
        let shown = path.display();
        if !self.force && path.symlink_metadata().is_ok() {
            bail!("{shown} is there already: --force writes over it, --output says where else to");
        }
        let mut file = NamedTempFile::new_in(&self.folder).with_context(|| format!("can't write into {}", self.folder.display()))?;
        client.download(route, file.as_file_mut()).await?;
        let put = if self.force { file.persist(path) } else { file.persist_noclobber(path) };
        match put.map_err(|e| e.error) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => bail!("{shown} is there already by now: --force writes over it"),
            Err(e) => Err(e).with_context(|| format!("can't write {shown}")),
        }
    }
}

/// A name that a plugin chose, as one that leads nowhere, hides nothing, and does nothing at a terminal.
fn plain(name: &str, number: u64) -> String {
    let safe = |c: char| if is_treacherous(c) || matches!(c, '/' | '\\') { '_' } else { c };
    let (stem, end) = name.rsplit_once('.').filter(|(_, end)| end.len() < 12).map_or((name, None), |(stem, end)| (stem, Some(end)));
    let short: String = stem.chars().take(NAME).chain(end.into_iter().flat_map(|end| ".".chars().chain(end.chars()))).map(safe).collect();
    let plain = short.trim();
    // One that begins with a dot is read by programs and seen by nobody; one that begins with a dash is taken for an option.
    let begins = plain.trim_start_matches(['.', '-', '~', '_']);
    match plain.len() - begins.len() {
        _ if begins.trim_matches('_').is_empty() => format!("file-{number}"),
        0 => plain.to_owned(),
        _ => format!("_{begins}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, name: &str) -> DeliveredFile {
        DeliveredFile { number, name: name.into(), content_type: "text/plain".into(), bytes: 1 }
    }

    #[test]
    fn no_name_leads_anywhere_else() {
        for (name, becomes) in [
            ("report.md", "report.md"),
            ("Grüße 1.pdf", "Grüße 1.pdf"),
            ("../../etc/passwd", "_etc_passwd"),
            ("..", "file-7"),
            (".", "file-7"),
            ("", "file-7"),
            (" / ", "file-7"),
            (".bashrc", "_bashrc"),
            ("-rf", "_rf"),
            ("a\u{202e}gpj.exe", "a_gpj.exe"),
            ("a\nb", "a_b"),
            ("C:\\x.txt", "C:_x.txt"),
        ] {
            let plain = plain(name, 7);
            assert_eq!(Path::new(&plain).components().count(), 1, "{plain}");
            assert!(!plain.starts_with(['.', '-']) && !plain.contains(['/', '\\', '\n']), "{plain}");
            assert_eq!(plain, becomes, "{name:?}");
        }
        let long = plain(&format!("{}.tar.gz", "ä".repeat(300)), 1);
        assert!(long.len() < 200 && long.ends_with(".gz"), "{long}");
    }

    #[test]
    fn files_of_one_name_get_others() {
        let target = Target::new(None, 3, false).unwrap();
        let (a, b, c) = (file(1, "a.txt"), file(2, "A.txt"), file(3, "b.txt"));
        let places: Vec<_> = target.places(&[&a, &b, &c]).into_iter().map(|(_, path)| path).collect();
        assert_eq!(places, ["a.txt", "2-A.txt", "b.txt"].map(PathBuf::from));
        let (a, b, c) = (file(1, "a"), file(2, "3-a"), file(3, "a"));
        let places: Vec<_> = target.places(&[&a, &b, &c]).into_iter().map(|(_, path)| path).collect();
        assert_eq!(places, ["a", "3-a", "3-3-a"].map(PathBuf::from), "the other name may be taken as well");
    }

    #[test]
    fn several_files_need_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Target::new(Some(folder.path().join("x")), 2, false).is_err());
        let one = Target::new(Some(folder.path().join("x")), 1, false).unwrap();
        assert_eq!(one.places(&[&file(1, "a")])[0].1, folder.path().join("x"));
        let within = Target::new(Some(folder.path().to_owned()), 2, false).unwrap();
        assert_eq!(within.places(&[&file(1, "../a")])[0].1, folder.path().join("_a"));
    }
}
