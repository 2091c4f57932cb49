//! Which plugin a component is: the manifest that its author's tools put into the file.
//!
//! It is read from the bytes before anything is compiled, in one pass over the section headers, and checked against `wit/manifest.schema.json`.

use crate::id::PluginId;
use crate::schema::Published;
use semver::Version;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use wasmparser::{Parser, Payload};

/// The custom section.
pub(crate) const SECTION: &str = "plugbay:manifest";

/// The schema, as published.
static SCHEMA: Published = Published::new(include_str!("../wit/manifest.schema.json"));

/// Bytes of a manifest.
const BYTES: usize = 64 << 10;

/// Which plugin a component is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's id.
    pub id: PluginId,
    /// Its version.
    pub version: Version,
    /// What it does, in a line.
    #[serde(default)]
    pub description: String,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<String>,
    /// An SPDX expression.
    #[serde(default)]
    pub license: String,
    /// Where its source is.
    #[serde(default)]
    pub repository: String,
}

/// Why a component has no manifest that counts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// None.
    #[error("no manifest: expected one custom section `plugbay:manifest` (the SDK writes it; `wasm-tools strip` removes it)")]
    Missing,
    /// More than one.
    #[error("{0} manifests: expected one custom section `plugbay:manifest`")]
    Several(usize),
    /// Too large.
    #[error("the manifest has {0} bytes: at most {BYTES} are read")]
    TooLarge(usize),
    /// Not what it should be.
    #[error("the manifest isn't what wit/manifest.schema.json says: {0}")]
    Wrong(String),
    /// The bytes can't be read that far.
    #[error("the component is garbled: {0}")]
    Garbled(String),
}

/// Reads the manifest of a component.
///
/// # Errors
/// Says what was found instead.
pub(crate) fn read(component: &[u8]) -> Result<Manifest, ManifestError> {
    let (outer, inner) = sections(component)?;
    let section = match (outer.as_slice(), inner.as_slice()) {
        ([one], _) | ([], [one]) => *one,
        ([], []) => return Err(ManifestError::Missing),
        (several, _) if several.len() > 1 => return Err(ManifestError::Several(several.len())),
        (_, several) => return Err(ManifestError::Several(several.len())),
    };
    if section.len() > BYTES {
        return Err(ManifestError::TooLarge(section.len()));
    }
    // `from_slice` reads strictly to the end: two manifests that a linker put behind each other are refused.
    let value: Value = serde_json::from_slice(section).map_err(|e| ManifestError::Wrong(e.to_string()))?;
    SCHEMA.check(&value).map_err(ManifestError::Wrong)?;
    serde_json::from_value(value).map_err(|e| ManifestError::Wrong(e.to_string()))
}

type Sections<'a> = Vec<&'a [u8]>;

/// The manifests at the top level, and those further inside.
fn sections(component: &[u8]) -> Result<(Sections<'_>, Sections<'_>), ManifestError> {
    let (mut outer, mut inner, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|e| ManifestError::Garbled(e.to_string()))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if section.name() == SECTION => {
                if depth == 0 { &mut outer } else { &mut inner }.push(section.data());
            }
            _ => {}
        }
    }
    Ok((outer, inner))
}
