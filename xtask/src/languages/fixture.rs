//! One fixture: whether it is up to date, and if not, its way from sources to a component with a manifest.
//!
//! The stamp beside a component is a hash of everything that it was made from: its sources, which pin the tools, and the contract. It is
//! removed before a build and written last, so a build that was interrupted or that failed is done again. Fails with the file or step.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Language, manifest};
use crate::paths::Paths;

/// To be raised when what this program does with the sources changes.
const RECIPE: &str = "1";

/// Where a fixture is built: a copy of its sources, with the contract and the fixture's world in `wit`.
pub(super) struct Workplace {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The component to write, without a manifest yet.
    pub(super) output: PathBuf,
}

impl Workplace {
    /// Does `install` if what this file says, or where this folder is, has changed since it was last done.
    pub(super) fn install(&self, pins: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
        let stamp = self.folder.join("installed.stamp");
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.folder.as_os_str().as_encoded_bytes());
        feed(&mut hasher, &self.folder.join(pins))?;
        renew(&stamp, &hasher.finalize().to_hex(), install)
    }
}

/// Builds one fixture unless it is up to date; answers where its component is.
pub(super) fn build(paths: &Paths, language: &Language) -> Result<PathBuf> {
    let sources = files(&paths.root.join("tests/languages").join(language.folder))?;
    let contract: Vec<PathBuf> = files(&paths.wit())?.into_iter().filter(|file| file.extension() == Some(OsStr::new("wit"))).collect();
    let mut hasher = blake3::Hasher::new();
    hasher.update(RECIPE.as_bytes());
    for file in sources.iter().chain(&contract) {
        feed(&mut hasher, file)?;
    }
    let languages = paths.target.join("languages");
    let component = languages.join(language.component);
    if !component.exists() {
        forget(&stamp_of(&component))?;
    }
    renew(&stamp_of(&component), &hasher.finalize().to_hex(), || {
        let folder = languages.join(language.folder);
        assemble(&folder, &sources, &contract)?;
        let workplace = Workplace { output: folder.join("unsigned.wasm"), folder };
        (language.build)(&workplace)?;
        let manifest = fs::read(workplace.folder.join("manifest.json")).context("the fixture has no manifest.json")?;
        manifest::append(&workplace.output, manifest.trim_ascii(), &component)?;
        fs::remove_file(&workplace.output).context("can't remove the component without a manifest")
    })?;
    Ok(component)
}

fn stamp_of(component: &Path) -> PathBuf {
    component.with_extension("stamp")
}

/// Does `work` unless `stamp` says that it was done for this `hash`.
fn renew(stamp: &Path, hash: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    if fs::read_to_string(stamp).is_ok_and(|recorded| recorded == hash) {
        return Ok(());
    }
    forget(stamp)?;
    work()?;
    fs::write(stamp, hash).with_context(|| format!("can't write {}", stamp.display()))
}

fn forget(stamp: &Path) -> Result<()> {
    match fs::remove_file(stamp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", stamp.display()))
        }
        _ => Ok(()),
    }
}

/// Copies everything to where it is built; what tools installed there before stays.
fn assemble(folder: &Path, sources: &[PathBuf], contract: &[PathBuf]) -> Result<()> {
    let wit = folder.join("wit");
    if wit.exists() {
        fs::remove_dir_all(&wit).with_context(|| format!("can't clear {}", wit.display()))?;
    }
    fs::create_dir_all(&wit).with_context(|| format!("can't create {}", wit.display()))?;
    for file in sources {
        let world = file.file_name() == Some(OsStr::new("world.wit"));
        copy(file, &if world { wit.join("fixture-world.wit") } else { folder.join(file.file_name().unwrap_or_default()) })?;
    }
    contract.iter().try_for_each(|file| copy(file, &wit.join(file.file_name().unwrap_or_default())))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).with_context(|| format!("can't copy {} to {}", from.display(), to.display()))
}

/// The files of a folder, by name. What other programs left in folders below it is none of ours.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Takes a file's name and bytes into a hash, each with its length so that no two sets of files look alike.
fn feed(hasher: &mut blake3::Hasher, file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
    for part in [file.file_name().unwrap_or_default().as_encoded_bytes(), &bytes] {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_for_a_hash_and_again_after_a_failure() {
        let stamp = std::env::temp_dir().join(format!("plugbay-xtask-stamp-{}", std::process::id()));
        let mut done = 0;
        let mut work = |hash: &str, good: bool| {
            renew(&stamp, hash, || {
                done += 1;
                if good { Ok(()) } else { anyhow::bail!("broken") }
            })
            .is_ok()
        };
        assert!(work("one", true) && work("one", true));
        assert!(work("two", true));
        assert!(!work("three", false));
        assert!(work("two", true), "the failed build left the old stamp");
        fs::remove_file(&stamp).unwrap();
        assert_eq!(done, 4);
    }

    #[test]
    fn the_same_bytes_under_another_name_are_something_else() {
        let folder = std::env::temp_dir().join(format!("plugbay-xtask-feed-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let hash = |name: &str, text: &str| {
            let file = folder.join(name);
            fs::write(&file, text).unwrap();
            let mut hasher = blake3::Hasher::new();
            feed(&mut hasher, &file).unwrap();
            hasher.finalize()
        };
        assert_eq!(hash("a", "x"), hash("a", "x"));
        assert_ne!(hash("a", "x"), hash("b", "x"));
        assert_ne!(hash("a", "x"), hash("a", "y"));
        assert_ne!(hash("a", "bc"), hash("ab", "c"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
