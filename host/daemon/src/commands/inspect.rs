//! `plugbay inspect`: all that there is to say of a plugin, or of a file that may become one.
//!
//! A file is looked at by the daemon and nothing of it is run; what it asks for is said in words, beside what runs.

use super::console::Console;
use super::file::Component;
use super::{End, list, words};
use crate::api::types::{
    GrantsView, Inspection, PluginAction, PluginCommand, PluginDetail, PluginSummary, PluginTool, PluginUi, UncalledHook, VersionList,
};
use crate::client::{Content, Route};
use crate::output::{Paint, Tone, cut_line, one_line};
use anyhow::Result;
use clap::Args;
use hyper::Method;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

/// Characters of a tool and its description that are shown; `--json` has all of it.
const DESCRIPTION: usize = 120;

/// Shows a plugin, or a file.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A plugin, or the file of one.
    #[arg(value_name = "ID|FILE.wasm", value_parser = super::id)]
    subject: String,
}

impl Inspect {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        if !is_file(&self.subject) {
            return one(&self.subject, console).await;
        }
        let component = Component::read(Path::new(&self.subject))?;
        let (doing, route) = (format!("looking at {}", component.name()), Route::v1(&["inspect"]));
        let request = console.client().send::<Inspection>(Method::POST, &route, Content::Component(component.bytes));
        let answer = console.during(&doing, request).await?;
        console.print(&answer, inspection)?;
        Ok(End::Done)
    }
}

/// Shows a plugin.
pub(super) async fn one(id: &str, console: &Console) -> Result<End> {
    console.look(&Route::v1(&["plugins", id]), plugin).await
}

/// Ids have neither dots nor slashes.
fn is_file(subject: &str) -> bool {
    subject.contains(['.', '/'])
}

fn plugin(plugin: &PluginDetail, paint: Paint) -> String {
    let summary = &plugin.summary;
    let (tone, standing) = words::standing(summary.standing);
    let mut text = Sheet::titled(&summary.id, summary.version.as_deref(), plugin.manifest.as_ref(), paint);
    text.line("standing", &paint.on(tone, standing));
    words::notes(summary).iter().for_each(|note| text.line("", &one_line(note)));
    text.maybe("digest", summary.digest.as_deref());
    text.line("generation", &summary.generation.to_string());
    text.line("calls", &format!("{}, {}", summary.calls, words::count(summary.faults, "fault", "faults")));
    text.line("required", if summary.required { "yes" } else { "no" });
    text.maybe("isolation", Some(plugin.isolation.as_str()).filter(|isolation| !isolation.is_empty()));
    if plugin.manifest.is_some() {
        text.surface(&plugin.imports, &plugin.exports, &plugin.ignored);
        plugin.hooks.iter().for_each(|hook| text.line("hook", &one_line(&format!("{}, at most {} ms a call", hook.name, hook.budget_ms))));
        plugin.uncalled.iter().for_each(|hook| text.line("not called", &uncalled(hook, paint)));
        plugin.tools.iter().for_each(|known| text.line("tool", &tool(known, paint)));
        for PluginAction { id, title, scope } in &plugin.actions {
            text.line("action", &one_line(&format!("{id} ({scope}): {title}")));
        }
        plugin.commands.iter().for_each(|known| text.line("command", &command(known, paint)));
        for PluginUi { id, surface, label, scope } in &plugin.ui {
            text.line("shown", &one_line(&format!("{id} on the surface {surface} ({scope}): {label}")));
        }
        text.grants(&plugin.grants);
    } else if summary.file.as_ref().is_some_and(|file| !file.undecided.is_empty()) {
        text.grants(&waited_for(summary));
    }
    if plugin.config.as_object().is_some_and(|config| !config.is_empty()) {
        text.line("config", &one_line(&plugin.config.to_string()));
    }
    if !plugin.versions.is_empty() {
        let _ = write!(text.text, "\n{}", list::versions(&VersionList { versions: plugin.versions.clone() }, paint));
    }
    text.text
}

/// A hook that isn't called, and what would have it called.
fn uncalled(hook: &UncalledHook, paint: Paint) -> String {
    let lacks = one_line(&format!("lacks {} ({})", hook.lacks.join(" and "), hook.settings.join(", ")));
    format!("{}: {}", one_line(&hook.name), paint.on(Tone::Warning, &lacks))
}

/// A tool, and why nobody can call it, if that is so.
fn tool(tool: &PluginTool, paint: Paint) -> String {
    let risk = tool.risk.as_ref().map(|risk| format!(" ({risk} risk)")).unwrap_or_default();
    let said = cut_line(&format!("{}{risk}: {}", tool.name, tool.description), DESCRIPTION);
    if tool.clashes_with.is_empty() {
        return said;
    }
    let clash = format!("; nobody has it, since {} claims it too", tool.clashes_with.join(" and "));
    said + &paint.on(Tone::Warning, &one_line(&clash))
}

/// A command, and why nobody can give it, if that is so.
fn command(command: &PluginCommand, paint: Paint) -> String {
    let args = command.args.as_ref().map(|args| format!(" {args}")).unwrap_or_default();
    let said = cut_line(&format!("/{}{args} ({}): {}", command.name, command.scope, command.description), DESCRIPTION);
    let clash = match (command.reserved, command.clashes_with.as_slice()) {
        (true, _) => "; nobody has it, since the program has a command of that name itself".to_owned(),
        (false, []) => return said,
        (false, others) => format!("; nobody has it, since {} claims it too", others.join(" and ")),
    };
    said + &paint.on(Tone::Warning, &one_line(&clash))
}

/// What a plugin waits for that doesn't serve. All else that its file asks for, `inspect FILE.wasm` says.
fn waited_for(summary: &PluginSummary) -> GrantsView {
    let undecided: Vec<_> = summary.file.iter().flat_map(|file| &file.undecided).cloned().collect();
    GrantsView { asks: undecided.clone(), undecided, ..GrantsView::default() }
}

fn inspection(looked: &Inspection, paint: Paint) -> String {
    let mut text = Sheet::titled(&looked.id, Some(&looked.version), Some(&looked.manifest), paint);
    text.line("digest", &one_line(&looked.digest));
    text.surface(&looked.imports, &looked.exports, &looked.ignored);
    text.grants(&looked.grants);
    text.line("adds", &names(&looked.adds));
    text.line("drops", &names(&looked.drops));
    if !looked.grants.undecided.is_empty() {
        let line = one_line(&looked.grants.undecided.iter().map(|grant| format!(" --grant {grant}")).collect::<String>());
        let _ = writeln!(text.text, "\nIt would be held until that is decided: `plugbay install FILE{line}` decides at once.");
    }
    text.text
}

/// Names and what belongs to them, aligned.
struct Sheet {
    text: String,
    paint: Paint,
}

impl Sheet {
    fn titled(id: &str, version: Option<&str>, manifest: Option<&Value>, paint: Paint) -> Self {
        let title = one_line(&format!("{id} {}", version.unwrap_or_default()));
        let mut sheet = Self { text: format!("{}\n", paint.on(Tone::Heading, title.trim_end())), paint };
        let said = |field| manifest.and_then(|m| m.get(field)).and_then(Value::as_str).filter(|text| !text.is_empty());
        for field in ["description", "license", "repository"] {
            sheet.maybe(field, said(field));
        }
        sheet
    }

    /// A line; the text is safe already.
    fn line(&mut self, name: &str, text: &str) {
        // Writing to text doesn't fail.
        let _ = writeln!(self.text, "  {name:<12} {text}");
    }

    fn maybe(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.line(name, &one_line(text));
        }
    }

    fn surface(&mut self, imports: &[String], exports: &[String], ignored: &[String]) {
        self.line("imports", &names(imports));
        self.line("exports", &names(exports));
        if !ignored.is_empty() {
            self.line("ignored", &names(ignored));
        }
    }

    fn grants(&mut self, grants: &GrantsView) {
        let decided = |grant| {
            if grants.granted.contains(grant) {
                (Tone::Good, "granted")
            } else if grants.denied.contains(grant) {
                (Tone::Faint, "denied")
            } else {
                (Tone::Warning, "undecided")
            }
        };
        for grant in &grants.asks {
            let (tone, decision) = decided(grant);
            self.line("asks for", &format!("{}: {} ({})", one_line(grant), words::grant(grant), self.paint.on(tone, decision)));
        }
        if grants.asks.is_empty() {
            self.line("asks for", "nothing");
        }
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { one_line(&names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_id_is_a_file() {
        assert!(["echo.wasm", "./echo", "a/b", "."].iter().all(|file| is_file(file)));
        assert!(["echo", "shell-guard", "no id"].iter().all(|id| !is_file(id)));
    }
}
