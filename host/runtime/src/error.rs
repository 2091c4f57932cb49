//! Why a plugin isn't loaded: the file, the step, what was found and what was expected.

use crate::grant::Grant;
use crate::id::{NoId, PluginId};
use crate::manifest::ManifestError;
use crate::registration::RegistrationError;
use crate::standing::Standing;
use crate::surface::SurfaceError;
use crate::versions::VersionError;
use plugbay_engine::{CallError, Digest, Refused};
use plugbay_state::StateError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// Timers that are named one by one.
const TOLD: usize = 10;

/// The steps on the way from a file to a plugin that serves, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// The file is read.
    Read,
    /// Is it a component, of this API, with a manifest?
    Verify,
    /// What does it import and export, and was that granted?
    Grants,
    /// It is compiled.
    Compile,
    /// Its imports are linked.
    Link,
    /// It says what it registers, in sealed cells.
    Describe,
    /// Its settings are checked.
    Config,
    /// Other plugins, and whoever else may refuse it, are asked.
    Gates,
    /// Its first cell is made and activated.
    Activate,
    /// Its bytes are kept, for a way back and for the next start.
    Keep,
    /// The version that serves saves what it knows, and the new one restores it.
    Handover,
    /// State, history and settings file are written; then it serves.
    Publish,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Verify => "verify",
            Self::Grants => "grants",
            Self::Compile => "compile",
            Self::Link => "link",
            Self::Describe => "describe",
            Self::Config => "config",
            Self::Gates => "gates",
            Self::Activate => "activate",
            Self::Keep => "keep",
            Self::Handover => "handover",
            Self::Publish => "publish",
        })
    }
}

/// A plugin that wasn't loaded. Nothing of it remains, and what served before goes on.
#[derive(Debug, Error)]
#[error("{}: refused at step `{step}`: {}", plain(&file.display()), plain(reason))]
pub struct LoadError {
    /// The file.
    pub file: PathBuf,
    /// The step at which it was refused.
    pub step: Step,
    /// Why.
    pub reason: Reason,
}

/// Why a plugin was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The file can't be read.
    #[error("the file can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The file's name is no plugin's.
    #[error("the file's name is no plugin's: expected `<id>.wasm`: {0}")]
    Name(#[from] NoId),
    /// The file doesn't end in `.wasm`.
    #[error("expected a file named `<id>.wasm`")]
    NoWasm,
    /// The bytes are no component that the engine takes.
    #[error(transparent)]
    Engine(#[from] Refused),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest names another plugin.
    #[error("the manifest says that it is plugin `{found}`: expected `{expected}`, as the file's name says")]
    OtherId {
        /// What the manifest says.
        found: PluginId,
        /// What the file's name says.
        expected: PluginId,
    },
    /// What it imports and exports.
    #[error(transparent)]
    Surface(#[from] SurfaceError),
    /// Grants that nobody has decided on.
    #[error("it asks for {}, which the operator has neither granted nor denied (setting `plugins.{plugin}.grants`)", names(.undecided))]
    Undecided {
        /// The plugin.
        plugin: PluginId,
        /// What it asks for.
        undecided: Vec<Grant>,
    },
    /// An import that the host can't link.
    #[error("it can't be linked: {0}")]
    Link(String),
    /// A call of `describe` had no answer.
    #[error("`describe`: {0}")]
    Describe(CallError),
    /// What it registers.
    #[error("`describe`: {0}")]
    Registration(#[from] RegistrationError),
    /// Isolation that the plugin's code doesn't bear.
    #[error("isolation `{wanted}` (setting `plugins.{plugin}.isolation`) isn't among those that the plugin bears: {borne}")]
    Isolation {
        /// The plugin.
        plugin: PluginId,
        /// The operator's choice.
        wanted: &'static str,
        /// The plugin's.
        borne: String,
    },
    /// A budget for something that is no hook.
    #[error("setting `plugins.{plugin}.budgets.{unknown}`: there is no such hook")]
    Budget {
        /// The plugin.
        plugin: PluginId,
        /// What the operator named.
        unknown: String,
    },
    /// The operator's settings for it.
    #[error("its settings (`plugins.{plugin}.config`): {problem}")]
    Config {
        /// The plugin.
        plugin: PluginId,
        /// What is wrong with them. No value of a secret field is in it.
        problem: String,
    },
    /// It can have no part of the state.
    #[error("its part of the state: {0}")]
    State(StateError),
    /// Somebody who is asked about installations said no.
    #[error("{0}")]
    Gate(String),
    /// Timers of the plugin wait, and this version couldn't be told when they are due.
    #[error(
        "it doesn't export `timers`, and timers of the plugin wait for it: {}; cancel them, or take a version that exports `timers`",
        some(jobs)
    )]
    Orphans {
        /// The timers, each in words: its id, its name, and when it is due.
        jobs: Vec<String>,
    },
    /// Its first cell failed.
    #[error("`activate`: {0}")]
    Activate(CallError),
    /// Its bytes, or those of an earlier version, can't be kept or found again.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// There is no such version to go back to.
    #[error("plugin `{plugin}` has no {wanted} to go back to; kept are: {kept}")]
    NoVersion {
        /// The plugin.
        plugin: PluginId,
        /// What was asked for.
        wanted: String,
        /// What there is.
        kept: String,
    },
    /// The plugin isn't to run at all.
    #[error("plugin `{plugin}` is {standing}, so no version of it is brought back: {why}")]
    Aside {
        /// The plugin.
        plugin: PluginId,
        /// Where it stands.
        standing: Standing,
        /// Why.
        why: String,
    },
    /// The version that serves didn't get its turn to save, or failed to.
    #[error("`save` of the version that serves: {error}{}", lost(*.memory_lost))]
    Save {
        /// Why.
        error: CallError,
        /// Its cell is gone, and what it knew with it.
        memory_lost: bool,
    },
    /// The new version doesn't take what the old one saved.
    #[error("`restore`: {0}")]
    Restore(CallError),
    /// The host's own record can't be written.
    #[error("the host's record of it can't be written: {0}")]
    Record(String),
    /// What was to be changed with it couldn't be.
    #[error("{0}")]
    Alongside(String),
    /// The host is stopping.
    #[error("the host is stopping")]
    Stopping,
    /// A defect of the host.
    #[error("the host failed: {0}")]
    Host(String),
}

fn lost(memory: bool) -> &'static str {
    if memory { " (its cell is gone, and what it knew with it; it goes on serving with a fresh one)" } else { "" }
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// The plugin serves, and didn't before.
    Installed,
    /// Another version, or the same with other settings, served before.
    Replaced {
        /// That version.
        version: semver::Version,
        /// Its digest.
        digest: Digest,
    },
    /// The same component with the same settings serves already.
    Unchanged,
    /// Nothing of it serves now.
    Aside,
}

/// A change that was made, and is live.
#[derive(Debug, Clone)]
pub struct Done {
    /// What it did.
    pub loaded: Loaded,
    /// The plugin's generation that serves now; 0 if none ever did.
    pub generation: u64,
    /// What an operator should know of it.
    pub notes: Vec<String>,
}

/// Text with parts that a stranger chose, as people may see it: control characters are escaped.
pub(crate) fn plain(text: &dyn fmt::Display) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { c.escape_default().collect() } else { String::from(c) };
    text.to_string().chars().map(shown).collect()
}

fn names(grants: &[Grant]) -> String {
    grants.iter().map(|g| format!("`{g}`")).collect::<Vec<_>>().join(", ")
}

/// The first ones, and how many more there are.
fn some(jobs: &[String]) -> String {
    let told = jobs.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
    match jobs.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told}; and {more} more"),
    }
}

impl Reason {
    /// Whether what was refused is held: it waits for somebody to decide, or to ask again.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Undecided { .. } | Self::Orphans { .. })
    }

    /// Puts file and step to it.
    pub(crate) fn at(self, file: &std::path::Path, step: Step) -> LoadError {
        LoadError { file: file.to_owned(), step, reason: self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_orphaned_is_named_up_to_a_bound_and_is_held() {
        let orphans = |n: usize| Reason::Orphans { jobs: (0..n).map(|n| format!("`j{n}`")).collect() };
        let ten = orphans(10).to_string();
        assert!(ten.contains("`j0`; `j1`; ") && ten.contains("`j9`; cancel them"), "{ten}");
        assert!(orphans(12).to_string().contains("`j9`; and 2 more; cancel them"), "{}", orphans(12));
        assert!(orphans(1).is_held() && !Reason::Stopping.is_held());
    }
}
