//! The gate of installations: `before-install`, asked of every plugin but the one that is about to be installed (the hook says so itself).

use super::late::Bound;
use plugbay_runtime::{BeforeInstall, Call, Candidate, Grant, Installing};
use std::sync::Arc;

/// Whether it may be installed.
///
/// # Errors
/// Why not, naming who says so.
pub(super) async fn may(bound: Option<Arc<Bound>>, candidate: Candidate) -> Result<(), String> {
    let Some(bound) = bound else { return Err("the gateway that would ask its gates isn't there yet, or is stopping".to_owned()) };
    let itself = candidate.plugin.clone();
    let asked = bound.hooks.fire::<BeforeInstall>(&Call::new(), asked(candidate)).await;
    for finding in &asked.outcome.findings {
        tracing::info!(plugin = %itself, severity = ?finding.severity, finding = finding.text, "a gate has found something");
    }
    match asked.outcome.block {
        None => Ok(()),
        Some(why) => Err(match asked.by {
            Some(by) => format!("plugin `{by}` blocks it (`before-install`): {why}"),
            None => format!("`before-install` blocks it: {why}"),
        }),
    }
}

fn asked(candidate: Candidate) -> Installing {
    let Candidate { plugin, version, digest, replaces, bytes, imports, exports, granted, tools: _ } = candidate;
    Installing {
        plugin: plugin.to_string(),
        version: version.to_string(),
        digest: format!("blake3:{digest}"),
        replaces: replaces.map(|v| v.to_string()),
        bytes,
        imports: imports.into_iter().collect(),
        exports: exports.into_iter().collect(),
        granted: granted.iter().map(Grant::to_string).collect(),
        attrs: Vec::new(),
    }
}
