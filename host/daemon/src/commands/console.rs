//! What a command has at hand: its daemon, and a way to say what came of it.

use super::{End, words};
use crate::api::types::{Changed, PluginDetail, Standing};
use crate::client::{Answer, Client, ClientError, Content, Route};
use crate::output::{self, Paint, one_line};
use anyhow::{Context, Result};
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

/// A daemon, and how to print.
#[derive(Debug)]
pub(crate) struct Console {
    client: Client,
    json: bool,
    paint: Paint,
}

impl Console {
    pub(super) fn new(client: Client, json: bool) -> Self {
        Self { client, json, paint: Paint::of_stdout() }
    }

    /// The daemon.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether JSON is wanted.
    pub(super) const fn json(&self) -> bool {
        self.json
    }

    /// Whether somebody looks at standard output who wants colours.
    pub(super) const fn paint(&self) -> Paint {
        self.paint
    }

    /// Asks for something and prints it.
    pub(super) async fn look<T: DeserializeOwned>(&self, route: &Route, in_words: impl FnOnce(&T, Paint) -> String) -> Result<End> {
        let answer = self.client.get(route).await?;
        self.print(&answer, in_words)?;
        Ok(End::Done)
    }

    /// Prints an answer. What came of the command stands whether or not anybody reads it.
    pub(super) fn print<T>(&self, answer: &Answer<T>, in_words: impl FnOnce(&T, Paint) -> String) -> Result<()> {
        let text = if self.json { output::json_as_it_came(&answer.text) } else { in_words(&answer.value, self.paint) };
        output::unless_nobody_reads(output::print(&text))
    }

    /// Asks for a change that is described by JSON.
    pub(super) async fn change(&self, what: &Step<'_>, method: Method, route: &Route, content: &impl Serialize) -> Result<End> {
        self.send(what, method, route, Content::json(content).context("can't write the request as JSON")?).await
    }

    /// Asks for a change and says what came of it: done, or held with the line that decides, or refused.
    pub(super) async fn send(&self, what: &Step<'_>, method: Method, route: &Route, content: Content) -> Result<End> {
        Ok(if self.changed(what, method, route, content).await?.is_some() { End::Done } else { End::Refused })
    }

    /// Asks for a change and says what came of it. What is so now; nothing, if it was refused or is held.
    pub(super) async fn changed(&self, what: &Step<'_>, method: Method, route: &Route, content: Content) -> Result<Option<Changed>> {
        let answer = self.during(what.doing, self.client.send::<Changed>(method, route, content)).await;
        match answer {
            Ok(answer) if matches!(answer.value.change.as_str(), "held" | "refused") => {
                self.print(&answer, |changed, _| not_serving(changed))?;
                if answer.value.change == "held" {
                    self.say_what_decides(&answer.value.id).await?;
                }
                Ok(None)
            }
            Ok(answer) => {
                self.print(&answer, |changed, _| done(what, changed))?;
                Ok(Some(answer.value))
            }
            Err(ClientError::Refused { problem, text, status }) if problem.code == "held" => {
                if let Some(id) = what.plugin {
                    self.say_what_decides(id).await?;
                }
                Err(ClientError::Refused { problem, text, status }.into())
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Says what a held plugin waits for, and the lines that decide; programs ask themselves.
    async fn say_what_decides(&self, id: &str) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let detail = self.client.get::<PluginDetail>(&Route::v1(&["plugins", id])).await?.value;
        output::unless_nobody_reads(output::print(&decisions(&detail)))
    }

    /// Shows that something is under way: a turning sign on a terminal, a line elsewhere; nothing for programs.
    pub(super) async fn during<T>(&self, what: &str, step: impl Future<Output = T>) -> T {
        if self.json {
            return step.await;
        }
        let what = one_line(what);
        if !std::io::stderr().is_terminal() {
            // If standard error is gone, nobody waits for the line.
            let _ = writeln!(std::io::stderr(), "{what} …");
            return step.await;
        }
        let sign = ProgressBar::new_spinner().with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} … {elapsed}") {
            sign.set_style(style);
        }
        sign.enable_steady_tick(Duration::from_millis(100));
        let done = step.await;
        sign.finish_and_clear();
        done
    }
}

/// A change, in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// While it is under way.
    pub(super) doing: &'a str,
    /// What is so when nothing of the plugin serves after it.
    pub(super) aside: &'a str,
    /// The plugin, where it is known.
    pub(super) plugin: Option<&'a str>,
}

/// What came of a change.
fn done(what: &Step<'_>, changed: &Changed) -> String {
    let Changed { id, change, generation, .. } = changed;
    let name = name(changed);
    let said = match change.as_str() {
        "installed" => format!("{name} serves: generation {generation}"),
        "replaced" => format!("{name} serves in place of what did: generation {generation}"),
        "unchanged" => format!("{name} serves as before: generation {generation}"),
        "aside" => format!("{id} {}", what.aside),
        other => format!("{name}: {other}"),
    };
    one_line(&said) + "\n" + &notes(changed)
}

/// A change that holds, and a plugin that doesn't serve with it.
fn not_serving(changed: &Changed) -> String {
    format!("{} is {}\n{}", one_line(&changed.id), one_line(&changed.change), notes(changed))
}

/// What is to be decided, and the lines that do.
fn decisions(PluginDetail { summary, grants, .. }: &PluginDetail) -> String {
    let of_file = summary.file.as_ref().map(|file| &file.undecided).filter(|undecided| !undecided.is_empty());
    let (id, undecided) = (&summary.id, of_file.unwrap_or(&grants.undecided));
    let mut text = match &summary.version {
        Some(version) if summary.standing == Standing::Active => {
            format!("{} {} goes on serving until you have decided.\n", one_line(id), one_line(version))
        }
        _ => "Nothing of it serves until you have decided.\n".to_owned(),
    };
    for grant in undecided {
        // Writing to text doesn't fail.
        let _ = writeln!(text, "  it asks for {}: {}", one_line(grant), words::grant(grant));
    }
    if !undecided.is_empty() {
        let line = one_line(&format!("{id} {}", undecided.join(" ")));
        let _ = write!(text, "To let it:\n  plugbay grant {line}\nTo let it run without:\n  plugbay revoke {line}\n");
    }
    text
}

fn notes(changed: &Changed) -> String {
    changed.notes.iter().map(|note| format!("  {}\n", one_line(note))).collect()
}

/// A plugin with its version.
fn name(changed: &Changed) -> String {
    let version = changed.version.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
    let digest = changed.digest.as_deref().map(|d| format!(" ({})", words::digest(d))).unwrap_or_default();
    format!("{}{version}{digest}", changed.id)
}
