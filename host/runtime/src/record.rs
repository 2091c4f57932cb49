//! What the host remembers of a plugin over restarts: what ran last, what is kept, and what was refused.
//!
//! One document per plugin in the state, written in the same transaction as its line in the history. Reading costs a point read, writing a commit.

use crate::error::Step;
use crate::id::PluginId;
use crate::order::Retry;
use plugbay_engine::Digest;
use plugbay_state::{Document, DocumentChange, Fact, StateStore};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The kind of document that a plugin's record is.
const KIND: &str = "plugin";

/// Versions that are kept of each plugin.
pub(crate) const KEPT: usize = 5;

/// What is remembered of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct PluginRecord {
    /// What runs, or ran last.
    pub(crate) active: Option<KeptVersion>,
    /// How often something was published.
    pub(crate) generation: u64,
    /// Other versions that ran, the last one first.
    pub(crate) earlier: Vec<KeptVersion>,
    /// What was refused, and isn't tried again by itself.
    pub(crate) judged: Option<Judged>,
    /// Why it is quarantined.
    pub(crate) quarantined: Option<String>,
}

/// A version that ran once, kept by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeptVersion {
    /// What identifies it.
    #[serde(with = "digest_text")]
    pub digest: Digest,
    /// Its version.
    pub version: semver::Version,
    /// When it was first published, in milliseconds since 1970.
    pub since: u64,
    /// Why it is marked as failed, if it is.
    #[serde(default)]
    pub failed: Option<String>,
}

/// A component that was refused, or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judged {
    /// What identifies it.
    #[serde(with = "digest_text")]
    pub digest: Digest,
    /// Its version, as far as it was read.
    pub version: Option<semver::Version>,
    /// What became of it.
    pub fate: Fate,
    /// The step at which it was refused.
    pub step: Option<Step>,
    /// Why, in words.
    pub why: String,
    /// The settings that it was tried with, as a fingerprint.
    pub settings: String,
    /// Grants that nobody has decided on.
    #[serde(default)]
    pub undecided: Vec<String>,
    /// Grants that it asks for and that the version that runs doesn't.
    #[serde(default)]
    pub adds: Vec<String>,
}

/// What became of a component that doesn't run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It asks for what the operator hasn't decided on, or would orphan timers of the plugin.
    Held,
    /// It was refused on its way to publication.
    Refused,
    /// It ran, and failed on probation.
    Failed,
    /// It ran, and an operator rolled it back.
    RolledBack,
}

impl Fate {
    /// How much has to be asked for until such a component is tried again as it is.
    pub(crate) const fn needs(self) -> Retry {
        match self {
            Self::Held | Self::Refused => Retry::Refused,
            Self::Failed | Self::RolledBack => Retry::Everything,
        }
    }
}

impl Judged {
    /// Whether this component with these settings would only be refused again. What comes after `activate` depends on what serves and on the disk.
    pub(crate) fn rests(&self, digest: Digest, settings: &str, active: Option<Digest>) -> bool {
        let same_settings = self.settings == settings && self.step.is_none_or(|step| step <= Step::Activate);
        // What runs with other settings was never the component's fault.
        let by_component = matches!(self.fate, Fate::Failed | Fate::RolledBack) && active != Some(digest);
        self.digest == digest && (by_component || same_settings)
    }
}

impl PluginRecord {
    /// Why a component with these settings isn't tried again by itself, if so: it would only be refused again, or it ran once and failed.
    pub(crate) fn rests(&self, digest: Digest, settings: &str) -> Option<Fate> {
        let judged = self.judged.as_ref().filter(|judged| judged.rests(digest, settings, self.digest()));
        let failed = self.earlier.iter().any(|v| v.digest == digest && v.failed.is_some());
        if failed { Some(Fate::Failed) } else { judged.map(|judged| judged.fate) }
    }

    /// The digest of what runs, or ran last.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.active.as_ref().map(|v| v.digest)
    }

    /// Everything that is kept.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &KeptVersion> {
        self.active.iter().chain(&self.earlier)
    }

    /// Another component runs now. The one before is kept, and the oldest is forgotten.
    pub(crate) fn published(&mut self, next: KeptVersion) {
        self.generation += 1;
        if self.digest() == Some(next.digest) {
            return;
        }
        self.earlier.retain(|v| v.digest != next.digest);
        if let Some(before) = self.active.replace(next) {
            self.earlier.insert(0, before);
        }
        self.earlier.truncate(KEPT - 1);
    }

    /// Marks the version that a fate is about, if it failed.
    pub(crate) fn mark(&mut self, judged: &Judged) {
        let failed = (judged.fate == Fate::Failed).then(|| judged.why.clone());
        let active = self.digest();
        for version in self.earlier.iter_mut().filter(|v| v.digest == judged.digest && active != Some(v.digest)) {
            version.failed = failed.clone().or(version.failed.take());
        }
    }

    /// What a rollback goes back to: this one, else the last one that didn't fail and that nobody went back from.
    pub(crate) fn target(&self, wanted: Option<Digest>) -> Option<&KeptVersion> {
        match wanted {
            Some(digest) => self.earlier.iter().find(|v| v.digest == digest),
            None => {
                let left = self.judged.as_ref().map(|j| j.digest);
                self.earlier.iter().find(|v| v.failed.is_none() && left != Some(v.digest))
            }
        }
    }

    /// How it is written.
    pub(crate) fn change(&self, plugin: &PluginId) -> Result<DocumentChange, String> {
        let body = serde_json::to_string(self).map_err(|e| e.to_string())?;
        Ok(DocumentChange::set(KIND, plugin.as_str(), body))
    }
}

/// How a plugin is forgotten.
pub(crate) fn removal(plugin: &PluginId) -> DocumentChange {
    DocumentChange::delete(KIND, plugin.as_str())
}

/// What is remembered of a plugin; of one that is new, nothing.
pub(crate) async fn read(state: &dyn StateStore, plugin: &PluginId) -> Result<PluginRecord, String> {
    let document = state.document(KIND, plugin.as_str()).await.map_err(|e| e.to_string())?;
    document.map_or_else(|| Ok(PluginRecord::default()), |d| parse(&d).map(|(_, record)| record))
}

/// All records, by plugin. A record that can't be read is an error: going on without it would run what was rolled back.
pub(crate) async fn read_all(state: &dyn StateStore) -> Result<Vec<(PluginId, PluginRecord)>, String> {
    let documents = state.documents(KIND).await.map_err(|e| e.to_string())?;
    documents.iter().map(parse).collect()
}

fn parse(document: &Document) -> Result<(PluginId, PluginRecord), String> {
    let garbled = |why: String| format!("the record of plugin `{}` can't be read: {why}", document.name);
    let record = serde_json::from_str(&document.body).map_err(|e| garbled(e.to_string()))?;
    let plugin = PluginId::try_from(document.name.clone()).map_err(|e| garbled(e.to_string()))?;
    Ok((plugin, record))
}

/// The digests that a record names.
pub(crate) fn named(record: &PluginRecord) -> HashSet<Digest> {
    record.versions().map(|v| v.digest).collect()
}

/// A line of the history.
pub(crate) fn fact(who: &str, what: &str, plugin: &PluginId) -> Fact {
    Fact { plugin: Some(plugin.to_string()), ..Fact::new(who, what) }
}

/// A digest as text.
mod digest_text {
    use plugbay_engine::Digest;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
