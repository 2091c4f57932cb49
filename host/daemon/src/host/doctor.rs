//! `doctor`: looks at everything that could be wrong, and says what to do about it. It changes nothing (the state's probe writes a row of its own and deletes it).

use super::{Host, lock};
use crate::api::types::{Finding, Findings, Severity};
use plugbay_gateway::{Clash, RESERVED_COMMANDS};
use plugbay_runtime::state::StateStore;
use plugbay_runtime::{BeforeToolCall, Fate, HOOKS, Judged, Listing, Plugin, Standing, ToolPolicy};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

impl Host {
    /// Everything that was looked at, the worst first.
    pub async fn doctor(&self) -> Findings {
        let mut findings = vec![self.state_finding().await, self.configuration()];
        findings.extend(self.waiting());
        findings.extend(self.directories());
        findings.extend(self.plugin_findings());
        findings.extend(self.named_nowhere());
        findings.extend(self.agent_findings());
        sorted(findings)
    }

    async fn state_finding(&self) -> Finding {
        let probe = self.0.state.probe().await;
        match probe.steps.iter().find_map(|step| step.outcome.as_ref().err().map(|e| (step.name, e))) {
            Some((step, why)) => error("state", format!("step `{step}`: {why}"), "look at the disk and the rights of the state directory"),
            None => ok("state", "it can be opened, written, read and deleted from".to_owned()),
        }
    }

    fn configuration(&self) -> Finding {
        let about = "configuration";
        match &*lock(&self.0.config_problem) {
            Some(problem) => error(about, problem.clone(), "correct the file; until then what was in force before stays in force"),
            None => ok(about, format!("{} is in force as it stands", self.0.path.display())),
        }
    }

    /// What another start of the program would change.
    fn waiting(&self) -> Option<Finding> {
        let sections: Vec<_> = self.waiting_sections().into_iter().map(|section| format!("[{section}]")).collect();
        let found = format!("{} isn't in force yet: the host was started with other settings", sections.join(", "));
        (!sections.is_empty()).then(|| warning("configuration", found, "start the program again, or take the change back"))
    }

    fn directories(&self) -> Vec<Finding> {
        let config = &self.0.started_with;
        let plugins = match self.0.directory.scan() {
            Ok(scan) => ok(
                "plugins directory",
                format!("{} can be read; files that could be plugins: {}", self.0.directory.path().display(), scan.entries.len()),
            ),
            Err(e) => error("plugins directory", e.to_string(), "what runs goes on; new versions aren't seen until this is mended"),
        };
        let refused = self.refused_files().into_iter();
        let refused = refused.map(|(name, why)| warning(&format!("file {name}"), why, "mend it, or take it out of the plugins directory"));
        let outbox = config.config.outbox_folder();
        let private = [("state directory", &config.config.host.state), ("cache", &config.config.host.cache), ("outbox", &outbox)];
        [plugins].into_iter().chain(refused).chain(private.map(|(about, path)| owned(about, path))).collect()
    }

    fn plugin_findings(&self) -> Vec<Finding> {
        self.plugins().all().iter().flat_map(|plugin| about_plugin(plugin, &plugin.listing())).collect()
    }

    /// What agents go without.
    fn agent_findings(&self) -> Vec<Finding> {
        let tools = self.gateway().tools().now();
        let actions = self.gateway().actions().now();
        let commands = actions.clashes().iter().map(about_command);
        tools.clashes().iter().map(about_clash).chain(commands).chain(self.nobody_is_asked()).chain(self.slot_finding()).collect()
    }

    /// That another context engine serves than the one that is wanted.
    fn slot_finding(&self) -> Option<Finding> {
        let slot = self.slot();
        let (preferred, why) = (slot.preferred?, slot.why?);
        let advice = format!("look at `plugbay logs {preferred}`; another version of it or `plugbay reset {preferred}` ends a quarantine");
        Some(warning("context engine", format!("the built-in one serves in the place of `{preferred}`: {why}"), &advice))
    }

    /// That nobody answers what plugins would ask.
    fn nobody_is_asked(&self) -> Option<Finding> {
        if self.0.started_with.config.agent.approvals {
            return None;
        }
        let asks = |p: &Plugin| p.generation().is_some_and(|g| g.handles::<BeforeToolCall>() || g.handles::<ToolPolicy>());
        let able: Vec<_> = self.plugins().all().iter().filter(|p| asks(p)).map(|p| format!("`{}`", p.id())).collect();
        let found =
            format!("people aren't asked (setting `agent.approvals`): what these plugins would have asked is denied: {}", able.join(", "));
        (!able.is_empty()).then(|| ok("approvals", found))
    }

    /// Plugins that the configuration names and that there are none of.
    fn named_nowhere(&self) -> Vec<Finding> {
        let config = self.config();
        let lists = config.config.plugins.allow.iter().flatten().chain(&config.config.plugins.deny);
        let mut named: Vec<_> = config.config.named().chain(lists).filter(|id| self.plugins().get(id.as_str()).is_none()).collect();
        named.sort();
        named.dedup();
        let advice = "put its file into the plugins directory, or take its name out of the configuration";
        named
            .into_iter()
            .map(|id| warning(&format!("plugin {id}"), "the configuration names it, and there is no such plugin".to_owned(), advice))
            .collect()
    }
}

/// Findings, the worst first.
pub(crate) fn sorted(mut findings: Vec<Finding>) -> Findings {
    findings.sort_by_key(|f| match f.severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Ok => 2,
    });
    Findings { findings }
}

fn about_clash(Clash { name, owners }: &Clash) -> Finding {
    let owners: Vec<_> = owners.iter().map(|owner| format!("`{owner}`")).collect();
    let found = format!("the plugins {} all claim that name, so none has it", owners.join(", "));
    warning(&format!("tool {name}"), found, "disable all of them but one")
}

/// A command that nobody has.
fn about_command(Clash { name, owners }: &Clash) -> Finding {
    let about = format!("command /{name}");
    let claim = owners.iter().map(|owner| format!("`{owner}`")).collect::<Vec<_>>().join(", ");
    if RESERVED_COMMANDS.contains(&name.as_str()) {
        let found = format!("{claim} would have it, and the program has a command of that name itself: no plugin has it");
        return warning(&about, found, "ask its author for another name; everything else of the plugin works");
    }
    warning(&about, format!("the plugins {claim} all claim that name, so none has it"), "disable all of them but one")
}

/// What is refused while a plugin that is required isn't active.
fn guarded(plugin: &Plugin) -> String {
    let hooks: Vec<_> =
        HOOKS.iter().filter(|h| h.fails_closed && plugin.guards(h.name).unwrap_or(true)).map(|h| format!("`{}`", h.name)).collect();
    if hooks.is_empty() { String::new() } else { format!("; it is required, so what it guards is refused: {}", hooks.join(", ")) }
}

fn about_plugin(plugin: &Plugin, listing: &Listing) -> Vec<Finding> {
    let about = format!("plugin {}", listing.id);
    let why = listing.why.clone().unwrap_or_default();
    let required = if listing.required { guarded(plugin) } else { String::new() };
    let waits = if required.is_empty() { warning } else { error };
    let stands = match listing.standing {
        Standing::Active => ok(&about, "active".to_owned()),
        Standing::Disabled => ok(&about, format!("disabled: {why}")),
        Standing::Held => waits(
            &about,
            format!("held: {why}{required}"),
            &format!("decide: `plugbay grant {} …` or `plugbay revoke {} …`", listing.id, listing.id),
        ),
        Standing::Missing => {
            waits(&about, format!("missing: {why}{required}"), &format!("bring its file back, or `plugbay uninstall {}`", listing.id))
        }
        Standing::Failed => {
            error(&about, format!("failed: {why}{required}"), "install a version that can be loaded, or correct its settings")
        }
        Standing::Quarantined => error(
            &about,
            format!("quarantined: {why}{required}"),
            &format!("look at `plugbay logs {}`, then `plugbay reset {}`", listing.id, listing.id),
        ),
    };
    let beside = listing.judged.as_ref().filter(|_| listing.standing == Standing::Active).map(|judged| about_judged(listing, judged));
    [Some(stands), beside].into_iter().flatten().collect()
}

/// What doesn't run, beside what does: other settings of the same component, or another component.
fn about_judged(listing: &Listing, judged: &Judged) -> Finding {
    let about = format!("plugin {}", listing.id);
    if listing.active.as_ref().is_some_and(|active| active.digest == judged.digest) {
        let found = format!("it runs with the settings that it had before, since the new ones were refused: {}", judged.why);
        return warning(&about, found, &format!("correct `[plugins.{}]` in the configuration", listing.id));
    }
    let what = match judged.fate {
        Fate::Held => "is held",
        Fate::Refused => "was refused",
        Fate::Failed => "failed on probation",
        Fate::RolledBack => "was rolled back",
    };
    let advice = match (judged.fate, judged.undecided.is_empty()) {
        (Fate::Held, true) => {
            format!("remove the jobs with `plugbay jobs remove`, then `plugbay enable {}`; or install another version", listing.id)
        }
        _ => format!("`plugbay inspect {}`; install another version, or decide what it asks for", listing.id),
    };
    warning(&about, format!("its file's component {what}, and another version runs: {}", judged.why), &advice)
}

/// Whether a directory is its owner's alone.
pub(crate) fn owned(about: &str, path: &Path) -> Finding {
    match std::fs::metadata(path) {
        Ok(there) if there.mode() & 0o077 != 0 => {
            let found = format!("{} is open to others (mode {:o})", path.display(), there.mode() & 0o7777);
            error(about, found, &format!("chmod 700 {}", path.display()))
        }
        Ok(_) => ok(about, format!("{} is its owner's alone", path.display())),
        Err(e) => error(about, format!("{}: {e}", path.display()), "look at the path and its rights"),
    }
}

pub(crate) fn ok(about: &str, found: String) -> Finding {
    Finding { severity: Severity::Ok, about: about.to_owned(), found, advice: None }
}

pub(crate) fn warning(about: &str, found: String, advice: &str) -> Finding {
    Finding { severity: Severity::Warning, about: about.to_owned(), found, advice: Some(advice.to_owned()) }
}

pub(crate) fn error(about: &str, found: String, advice: &str) -> Finding {
    Finding { severity: Severity::Error, about: about.to_owned(), found, advice: Some(advice.to_owned()) }
}
