//! What is asked to be changed, and what became of it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A change that was made, and what the plugin made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// The plugin.
    pub id: String,
    /// `installed`, `replaced`, `unchanged` or `aside` (nothing of it serves, as was asked for). `held` or `refused`, if the change holds and the plugin
    /// doesn't serve with it: what served before goes on, and `notes` says why.
    pub change: String,
    /// The generation that serves.
    pub generation: u64,
    /// The version that serves, or ran last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What an operator should know of it.
    pub notes: Vec<String>,
}

/// What is to be decided about grants: true grants, false denies, null forgets what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantsPatch {
    /// By the grant's name.
    pub grants: BTreeMap<String, Option<bool>>,
    /// Why, for the history.
    #[serde(default)]
    pub why: Option<String>,
}

/// Limits to change, as `plugbay.toml` writes them; null: the default again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LimitsPatch {
    /// By the limit's name, such as `memory`.
    pub limits: BTreeMap<String, Option<String>>,
    /// Why, for the history.
    #[serde(default)]
    pub why: Option<String>,
}

/// Why something is asked for, for the history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Because {
    /// In the operator's words.
    pub why: Option<String>,
}

/// Which version to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RollbackTo {
    /// A digest, or its beginning; else the last version that didn't fail.
    pub digest: Option<String>,
    /// Why, for the history.
    pub why: Option<String>,
}
