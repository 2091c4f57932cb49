//! A component's surface: what it imports is what it needs, what it exports is what it does.
//!
//! Names are read from the bytes before anything is compiled: they tell the API version, and whether there is anything that this host doesn't know. The
//! functions behind the names, and so the grants, are known after compiling. Nothing of this is declared by hand anywhere.

use crate::grant::Grant;
use crate::hook::HOOKS;
use semver::Version;
use std::collections::BTreeSet;
use thiserror::Error;
use wasmparser::{Parser, Payload};

/// The contract that this host serves.
pub const API: &str = "0.1.0";

/// The contract's package.
const PACKAGE: &str = "plugbay:plugin";

/// Interfaces that a plugin may import, and what each asks for.
const IMPORTS: [(&str, Option<Grant>); 14] = [
    ("types", None),
    ("log", None),
    ("config", None),
    ("run-context", None),
    ("sessions", None),
    ("keyed-store", Some(Grant::State)),
    ("session-state", Some(Grant::State)),
    ("events", Some(Grant::Events)),
    ("injections", Some(Grant::Prompt)),
    ("tokens", None),
    ("model", Some(Grant::Model)),
    ("subagents", Some(Grant::Subagents)),
    ("schedule", Some(Grant::Schedule)),
    ("attachments", Some(Grant::Attachments)),
];

/// Interfaces that a plugin may export, beside hooks.
const EXPORTS: [&str; 3] = ["plugin", "startup", "handover"];

/// WASI packages that are served, as an empty world.
const WASI: [&str; 6] = ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];

/// Imports, and exports, that are read.
const NAMES: usize = 1_000;
/// Bytes of one name.
const NAME: usize = 512;

/// Why a component doesn't fit this host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SurfaceError {
    /// Another version of the contract.
    #[error("`{name}`: found API version {found}, this host serves {API}")]
    Version {
        /// The import or export.
        name: String,
        /// Its version.
        found: String,
    },
    /// An import that nobody offers.
    #[error("it imports `{0}`, which this host doesn't offer")]
    UnknownImport(String),
    /// An export of the contract's package that the contract doesn't have.
    #[error("it exports `{0}`, which is no part of the contract {API}")]
    UnknownExport(String),
    /// No `plugin` interface.
    #[error("it doesn't export `plugbay:plugin/plugin@{API}`, which every plugin does")]
    NoPlugin,
    /// An export of another type than the contract's.
    #[error("its export `{export}` isn't of the contract's type: {problem}")]
    WrongType {
        /// Which.
        export: String,
        /// In wasmtime's words.
        problem: String,
    },
    /// No honest component has as many imports or exports, or such long names.
    #[error("it has more than {NAMES} imports or exports, or a name of more than {NAME} bytes")]
    TooMuch,
    /// The bytes can't be read that far.
    #[error("the component is garbled: {0}")]
    Garbled(String),
}

/// What a component does and needs, by the names at its top level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surface {
    /// Interfaces of the contract that it imports.
    pub imports: BTreeSet<String>,
    /// Interfaces of the contract that it exports.
    pub exports: BTreeSet<String>,
    /// WASI that its language's runtime imports.
    pub wasi: BTreeSet<String>,
    /// Exports outside the contract: ignored.
    pub ignored: BTreeSet<String>,
}

impl Surface {
    /// Reads the names and checks them against the contract.
    ///
    /// # Errors
    /// Names what doesn't fit.
    pub fn read(component: &[u8]) -> Result<Self, SurfaceError> {
        let mut surface = Self::default();
        let (imports, exports) = names(component)?;
        for name in imports {
            match Name::of(&name) {
                Some(Name { package: PACKAGE, interface, version }) if IMPORTS.iter().any(|(known, _)| *known == interface) => {
                    check_version(&name, version)?;
                    surface.imports.insert(interface.to_owned());
                }
                Some(Name { package: PACKAGE, version, .. }) => {
                    check_version(&name, version)?;
                    return Err(SurfaceError::UnknownImport(name));
                }
                Some(Name { package, .. }) if WASI.contains(&package) => drop(surface.wasi.insert(name)),
                _ => return Err(SurfaceError::UnknownImport(name)),
            }
        }
        for name in exports {
            surface.export(name)?;
        }
        if surface.exports.contains("plugin") { Ok(surface) } else { Err(SurfaceError::NoPlugin) }
    }

    fn export(&mut self, name: String) -> Result<(), SurfaceError> {
        match Name::of(&name) {
            Some(Name { package: PACKAGE, interface, version }) => {
                check_version(&name, version)?;
                if !EXPORTS.contains(&interface) && !HOOKS.iter().any(|h| h.name == interface) {
                    return Err(SurfaceError::UnknownExport(name));
                }
                self.exports.insert(interface.to_owned());
            }
            _ => drop(self.ignored.insert(name)),
        }
        Ok(())
    }

    /// The hooks that it exports.
    pub fn hooks(&self) -> impl Iterator<Item = &'static crate::hook::HookInfo> {
        HOOKS.iter().filter(|h| self.exports.contains(h.name))
    }

    /// What it asks the operator for.
    #[must_use]
    pub fn grants(&self) -> BTreeSet<Grant> {
        let imported = IMPORTS.iter().filter(|(name, _)| self.imports.contains(*name)).filter_map(|(_, grant)| *grant);
        self.hooks().flat_map(|h| h.grants).copied().chain(imported).collect()
    }
}

/// `package:name/interface@version`, taken apart.
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    version: &'a str,
}

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let (package, rest) = name.split_once('/')?;
        let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
        Some(Self { package, interface, version })
    }
}

/// Same major and minor: within a minor version imports may only have gained functions.
fn check_version(name: &str, found: &str) -> Result<(), SurfaceError> {
    let line = |v: &Version| (v.major, v.minor);
    let served = Version::parse(API).ok();
    match Version::parse(found).ok() {
        Some(found) if found.pre.is_empty() && Some(line(&found)) == served.as_ref().map(line) => Ok(()),
        _ => {
            let found = if found.is_empty() { "none" } else { found };
            Err(SurfaceError::Version { name: name.to_owned(), found: found.to_owned() })
        }
    }
}

/// The names of imports and exports at the top level, as far as any honest component has them.
fn names(component: &[u8]) -> Result<(Vec<String>, Vec<String>), SurfaceError> {
    let garbled = |e: wasmparser::BinaryReaderError| SurfaceError::Garbled(e.to_string());
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(garbled)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    keep(&mut imports, import.map_err(garbled)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    keep(&mut exports, export.map_err(garbled)?.name.name)?;
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn keep(names: &mut Vec<String>, name: &str) -> Result<(), SurfaceError> {
    if names.len() >= NAMES || name.len() > NAME {
        return Err(SurfaceError::TooMuch);
    }
    names.push(name.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interfaces that the contract's world imports, or exports.
    fn contract(verb: &str) -> BTreeSet<&'static str> {
        let lines = include_str!("../wit/worlds.wit").lines().map(str::trim);
        lines.filter_map(|line| line.strip_prefix(verb)?.trim().strip_suffix(';')).collect()
    }

    #[test]
    fn every_interface_of_the_contract_is_known_here_and_no_other() {
        assert_eq!(IMPORTS.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), contract("import"));
        let exports: Vec<&str> = EXPORTS.into_iter().chain(HOOKS.iter().map(|h| h.name)).collect();
        assert_eq!(exports.iter().copied().collect::<BTreeSet<_>>(), contract("export"));
        assert_eq!(exports.len(), contract("export").len(), "each once");
    }

    /// The grants that `wit/` says an interface needs: `Grant: ` and names in backticks, or `none`.
    fn documented(interface: &str) -> BTreeSet<Grant> {
        let path = format!("{}/wit/{interface}.wit", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let line = text.lines().find_map(|line| line.trim().strip_prefix("/// Grant: "));
        let line = line.unwrap_or("").split('(').next().unwrap_or("");
        Grant::ALL.into_iter().filter(|g| line.contains(&format!("`{g}`"))).collect()
    }

    #[test]
    fn interfaces_need_the_grants_that_they_say() {
        for hook in HOOKS {
            assert_eq!(hook.grants.iter().copied().collect::<BTreeSet<_>>(), documented(hook.name), "{}", hook.name);
        }
        for (name, grant) in IMPORTS {
            assert_eq!(grant.into_iter().collect::<BTreeSet<_>>(), documented(name), "{name}");
        }
    }

    #[test]
    fn grants_come_from_imports_and_exports() {
        let named = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let surface =
            Surface { imports: named(&["log", "events"]), exports: named(&["plugin", "tool-policy", "agent-end"]), ..Surface::default() };
        assert_eq!(surface.grants(), [Grant::Events, Grant::Policy, Grant::Conversation].into());
    }
}
