//! What those are told of a component who may refuse it.

use crate::grant::Grant;
use crate::id::PluginId;
use plugbay_engine::Digest;
use semver::Version;
use std::collections::BTreeSet;

/// A version of a plugin that is about to be installed, after it said what it registers and before any of it runs.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The plugin.
    pub plugin: PluginId,
    /// Its version.
    pub version: Version,
    /// Its component.
    pub digest: Digest,
    /// The version that serves now.
    pub replaces: Option<Version>,
    /// Its bytes.
    pub bytes: u64,
    /// Interfaces of the contract that it imports.
    pub imports: BTreeSet<String>,
    /// Interfaces of the contract that it exports.
    pub exports: BTreeSet<String>,
    /// What it was granted.
    pub granted: BTreeSet<Grant>,
    /// Names of the tools that it brings.
    pub tools: Vec<String>,
}
