//! The host itself, and plugins in it: `gateway-start`, `gateway-stop`, `job-changed`, `cleanup`, `before-install`.

use super::answer::{REASON, asked, attrs, outcome, reason, weighed, within};
use super::approval::Severity;
use super::lowered::{cases, event};
use super::observer::Observer;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::id::PluginId;
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types::CauseKind;
use serde::Serialize;
use std::time::Duration;

/// Findings of one plugin.
const FINDINGS: usize = 64;

/// `gateway-start`: observes that the host has started and serves.
#[derive(Debug, Clone, Copy)]
pub struct GatewayStart;

event! {
    /// The start of the host.
    Started => wire::gateway_start::Event {
        /// The host's version.
        version: String,
    }
}

impl Observer for GatewayStart {
    const NAME: &'static str = "gateway-start";

    type Event = Started;
    type Wire = wire::gateway_start::Event;
}

/// `gateway-stop`: observes that the host is about to stop.
#[derive(Debug, Clone, Copy)]
pub struct GatewayStop;

event! {
    /// The stop of the host.
    Stopping => wire::gateway_stop::Event {
        /// Why, if somebody said.
        reason: Option<String>,
    }
}

impl Observer for GatewayStop {
    const NAME: &'static str = "gateway-stop";
    const BUDGET: Duration = Duration::from_secs(5);

    type Event = Stopping;
    type Wire = wire::gateway_stop::Event;
}

/// `job-changed`: observes what becomes of the plugin's own jobs.
#[derive(Debug, Clone, Copy)]
pub struct JobChanged;

event! {
    /// A job that changed.
    JobChange => wire::job_changed::Event {
        /// Its id.
        job: String,
        /// What became of it.
        change: JobChangeKind,
        /// When it runs next, in milliseconds since 1970.
        next_at: Option<u64>,
        /// Why a run of it failed.
        error: Option<String>,
    }
}

cases! {
    /// What became of a job.
    JobChangeKind = wire::job_changed::Change {
        /// It was scheduled.
        Added,
        /// It was changed.
        Updated,
        /// It was removed.
        Removed,
        /// A run of it began.
        Started,
        /// A run of it ended.
        Finished,
    }
}

impl Observer for JobChanged {
    const NAME: &'static str = "job-changed";

    type Event = JobChange;
    type Wire = wire::job_changed::Event;
}

/// `cleanup`: tells a plugin that something ends for which it may keep things elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Cleanup;

event! {
    /// What ends.
    CleanupAsked => wire::cleanup::Event {
        /// Why.
        reason: CleanupReason,
    }
}

cases! {
    /// Why something ends.
    CleanupReason = wire::cleanup::Reason {
        /// The plugin was switched off.
        Disable,
        /// The session of the call began another life.
        Reset,
        /// The session of the call was deleted.
        Delete,
        /// Another generation of the plugin serves from now on.
        Restart,
    }
}

impl Observer for Cleanup {
    const NAME: &'static str = "cleanup";
    const CAUSE: CauseKind = CauseKind::Cleanup;
    const BUDGET: Duration = Duration::from_secs(5);

    type Event = CleanupAsked;
    type Wire = wire::cleanup::Event;
}

/// `before-install`: a gate before another plugin is installed or replaced.
#[derive(Debug, Clone, Copy)]
pub struct BeforeInstall;

event! {
    /// What is about to be installed.
    Installing => wire::before_install::Event {
        /// The plugin.
        plugin: String,
        /// Its version.
        version: String,
        /// What identifies the component.
        digest: String,
        /// The version that it replaces, if there is one.
        replaces: Option<String>,
        /// Its bytes.
        bytes: u64,
        /// Interfaces of the contract that it imports.
        imports: Vec<String>,
        /// Interfaces of the contract that it exports.
        exports: Vec<String>,
        /// The grants that it has.
        granted: Vec<String>,
    }
}

outcome! {
    /// What plugins say of an installation.
    InstallDecision {
        /// What they found.
        findings: Vec<Finding>,
        /// Don't install it, for this reason.
        block: Option<String>,
    }
}

/// Something worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// In words.
    pub text: String,
}

impl TryFrom<wire::before_install::Outcome> for InstallDecision {
    type Error = Malformed;

    fn try_from(outcome: wire::before_install::Outcome) -> Result<Self, Malformed> {
        let wire::before_install::Outcome { findings, block, attrs: facts } = outcome;
        if findings.len() > FINDINGS {
            return Err(Malformed::new("findings", format!("{} of them, {FINDINGS} allowed", findings.len())));
        }
        let finding = |found: wire::before_install::Finding| {
            Ok(Finding { severity: found.severity.into(), text: within("findings", found.text, REASON)? })
        };
        let findings = findings.into_iter().map(finding).collect::<Result<_, Malformed>>()?;
        Ok(Self { findings, block: reason("block", block)?, attrs: attrs(facts)? })
    }
}

weighed!(wire::before_install::Finding { text });
weighed!(wire::before_install::Outcome { findings, block, attrs });

impl Hook for BeforeInstall {
    const NAME: &'static str = "before-install";
    const MODE: Mode = Mode::Gate;
    const FAILS_CLOSED: bool = true;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Policy];

    asked!(Installing, InstallDecision, wire::before_install);

    fn is_final(outcome: &InstallDecision) -> bool {
        outcome.block.is_some()
    }

    /// All findings, and the first block.
    fn merge(so_far: &mut InstallDecision, next: InstallDecision, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        so_far.findings.extend(next.findings);
        so_far.block = so_far.block.take().or(next.block);
    }

    fn refusal(why: String) -> InstallDecision {
        InstallDecision { block: Some(format!("it isn't installed: {why}")), ..InstallDecision::default() }
    }

    fn about(event: &Installing) -> Option<&str> {
        Some(&event.plugin)
    }
}
