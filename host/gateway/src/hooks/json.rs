//! Hooks by name, with event and outcome in JSON: for embedders in other languages, and the HTTP API.
//!
//! What it costs: the JSON. How it fails: by saying that there is no such hook, that it can't be fired, or where the event isn't one of it.

use super::Hooks;
use super::kept::lock;
use super::named::{NAMED, Way};
use super::receipt::Receipt;
use plugbay_runtime::{Call, Hook, PluginId};
use serde::Serialize;
use serde_json::Value;
use std::pin::Pin;
use thiserror::Error;

/// What came of a hook that was fired in JSON.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InJson {
    /// What plugins want, taken together; nothing for a hook that is only told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Value>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<PluginId>,
    /// What became of each.
    pub receipt: Receipt,
}

/// Why a hook wasn't fired.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InJsonError {
    /// There is no such hook.
    #[error("there is no hook `{0}`")]
    NoHook(String),
    /// It is for one plugin alone, so it isn't fired.
    #[error("`{0}` reaches one plugin by name, for what the host itself does there: it isn't fired")]
    Direct(&'static str),
    /// The event isn't one of this hook.
    #[error("the event isn't one of `{hook}`: {problem}")]
    Event {
        /// The hook.
        hook: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The outcome can't be written as JSON.
    #[error("what plugins want of `{hook}` can't be written as JSON: {problem}")]
    Outcome {
        /// The hook.
        hook: &'static str,
        /// Why.
        problem: String,
    },
}

/// An outcome in JSON, once there is one.
pub(super) type Fires<'a> = Pin<Box<dyn Future<Output = Result<InJson, InJsonError>> + Send + 'a>>;

impl Hooks {
    /// Fires a hook by its name, or tells it.
    ///
    /// # Errors
    /// If there is no such hook, it can't be fired, or the event isn't one of it.
    pub async fn fire_in_json(&self, hook: &str, call: &Call, event: Value) -> Result<InJson, InJsonError> {
        let named = NAMED.iter().find(|named| named.name == hook).ok_or_else(|| InJsonError::NoHook(hook.to_owned()))?;
        match named.way {
            Way::Fired(fire) => fire(self, call, event).await,
            Way::Told(tell) => tell(self, call, event),
            Way::ToOne => Err(InJsonError::Direct(named.name)),
        }
    }
}

pub(super) fn fire<'a, H: Hook>(hooks: &'a Hooks, call: &'a Call, event: Value) -> Fires<'a> {
    Box::pin(async move {
        let dispatched = hooks.fire::<H>(call, read::<H>(event)?).await;
        let wrong = |e: serde_json::Error| InJsonError::Outcome { hook: H::NAME, problem: e.to_string() };
        let outcome = Some(serde_json::to_value(&dispatched.outcome).map_err(wrong)?);
        Ok(InJson { outcome, by: dispatched.by, receipt: Receipt::clone(&dispatched.receipt) })
    })
}

pub(super) fn tell<H: Hook>(hooks: &Hooks, call: &Call, event: Value) -> Result<InJson, InJsonError> {
    let receipt = hooks.hand_over::<H>(None, call, read::<H>(event)?);
    let receipt = receipt.map_or_else(|| Receipt::blank(H::NAME, call), |receipt| lock(&receipt).clone());
    Ok(InJson { outcome: None, by: None, receipt })
}

fn read<H: Hook>(event: Value) -> Result<H::Event, InJsonError> {
    serde_json::from_value(event).map_err(|e| InJsonError::Event { hook: H::NAME, problem: e.to_string() })
}
