//! The contract as an odd component sees it: the real WIT folder, with whatever the fixture changes in it.
//!
//! Reads the folder at each build (about ten small files, well under a millisecond). Fails with the step and the reason when the folder
//! can't be read, or when a changed text isn't WIT.

use std::collections::BTreeMap;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap, WorldId};

use super::OddError;

/// Where the contract lies.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
/// The version of the package in that folder.
pub(super) const API: &str = "0.1.0";
/// The two functions of `wasi:io/poll` that fixtures use. A component may import less than the host offers.
const WASI_IO: &str = "package wasi:io@0.2.6; interface poll { resource pollable { ready: func() -> bool; block: func(); } }";
/// The one function of `wasi:clocks/monotonic-clock` that fixtures use.
const WASI_CLOCKS: &str = "package wasi:clocks@0.2.6; interface monotonic-clock { use wasi:io/poll@0.2.6.{pollable}; \
     type duration = u64; subscribe-duration: func(when: duration) -> pollable; }";

/// What is changed in the contract, and what the fixture's world names.
#[derive(Debug, Clone, Default)]
pub(super) struct Wit {
    /// Files of the package that are replaced or added, by name.
    pub(super) files: BTreeMap<String, String>,
    /// Other packages, each a whole text, in the order of their dependencies.
    pub(super) packages: Vec<String>,
    /// Interfaces that the world imports beside the usual ones. Those that the core module doesn't use vanish.
    pub(super) imports: Vec<String>,
    /// Interfaces that the world exports.
    pub(super) exports: Vec<String>,
    /// The package's version, where it isn't the real one.
    pub(super) version: Option<String>,
}

impl Wit {
    /// The version that all names carry.
    pub(super) fn version(&self) -> &str {
        self.version.as_deref().unwrap_or(API)
    }

    /// Wraps a core module into a component of this world.
    pub(super) fn componentize(&self, mut core: Vec<u8>) -> Result<Vec<u8>, OddError> {
        let (resolve, world) = self.resolve()?;
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)
            .map_err(|error| OddError::new("embed the world", error))?;
        let mut encoder =
            ComponentEncoder::default().validate(true).module(&core).map_err(|error| OddError::new("take the module", error))?;
        encoder.encode().map_err(|error| OddError::new("encode the component", error))
    }

    fn resolve(&self) -> Result<(Resolve, WorldId), OddError> {
        let wrong = |error| OddError::new("read the WIT", error);
        let mut resolve = Resolve::default();
        let mut contract = SourceMap::default();
        for (name, text) in self.contract()? {
            contract.push_str(&name, text);
        }
        let group = contract.parse().map_err(|(_, error)| OddError::new("read the contract", error))?;
        resolve.push_group(group).map_err(|error| OddError::new("resolve the WIT", error))?;
        for package in [WASI_IO, WASI_CLOCKS].into_iter().chain(self.packages.iter().map(String::as_str)) {
            resolve.push_str("package.wit", package).map_err(wrong)?;
        }
        let main = resolve.push_str("odd.wit", &self.world()).map_err(wrong)?;
        let world = resolve.select_world(&[main], Some("odd")).map_err(wrong)?;
        Ok((resolve, world))
    }

    /// The package's files: those of the folder, with the fixture's changes.
    fn contract(&self) -> Result<BTreeMap<String, String>, OddError> {
        let mut files = BTreeMap::new();
        let entries = Path::new(FOLDER).read_dir().map_err(|error| OddError::new("list the WIT folder", error))?;
        for entry in entries {
            let path = entry.map_err(|error| OddError::new("list the WIT folder", error))?.path();
            if path.extension().is_some_and(|extension| extension == "wit") {
                let text = std::fs::read_to_string(&path).map_err(|error| OddError::new("read the WIT", error))?;
                files.insert(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text);
            }
        }
        files.extend(self.files.clone());
        let (real, wanted) = (format!("package plugbay:plugin@{API};"), format!("package plugbay:plugin@{};", self.version()));
        Ok(files.into_iter().map(|(name, text)| (name, text.replace(&real, &wanted))).collect())
    }

    fn world(&self) -> String {
        let usual = ["types", "log"].map(|name| format!("plugbay:plugin/{name}@{}", self.version()));
        let wasi = ["wasi:io/poll@0.2.6", "wasi:clocks/monotonic-clock@0.2.6"].map(str::to_owned);
        let imports: String = usual.iter().chain(&wasi).chain(&self.imports).map(|name| format!("import {name};\n")).collect();
        let exports: String = self.exports.iter().map(|name| format!("export {name};\n")).collect();
        format!("package plugbay:odd;\nworld odd {{\n{imports}{exports}}}\n")
    }
}

/// The text of one file of the contract, with `what` replaced by `with`; an error if `what` isn't in it.
pub(super) fn edited(file: &str, what: &str, with: &str) -> Result<String, OddError> {
    let text = std::fs::read_to_string(Path::new(FOLDER).join(file)).map_err(|error| OddError::new("read the WIT", error))?;
    if !text.contains(what) {
        return Err(OddError::new("edit the WIT", format!("{file} doesn't hold {what:?}")));
    }
    Ok(text.replacen(what, with, 1))
}
