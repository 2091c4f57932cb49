//! `plugbay doctor`: everything that could be wrong, and what to do about it.
//!
//! The daemon looks at what it has. Where none runs, what can be seen without one is looked at here: the configuration, the directories, the state, opened for
//! reading. Nothing is changed.

use super::reach::Reach;
use super::{End, Usage, words};
use crate::api::types::{Finding, Findings, Severity};
use crate::client::{ClientError, Route};
use crate::config::{Config, ConfigFile};
use crate::directory::{Directory, DirectoryError, Entry};
use crate::host::doctor::{error, ok, owned, sorted, warning};
use crate::output::{self, Paint, Tone, one_line};
use anyhow::Result;
use clap::Args;
use plugbay_state::{Sqlite, SqliteSettings, StateError, StateStore};
use std::fmt::Write as _;
use std::path::Path;

/// Looks at everything.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, reach: &Reach) -> Result<End> {
        let findings = match asked(reach).await {
            Ok(findings) => findings,
            Err(why) if reach.is_by_configuration() && is_no_daemon(&why) => sorted(looked(&reach.config, &why).await),
            Err(why) => return Err(why),
        };
        let printed = if reach.json { output::print_json(&findings) } else { output::print(&in_words(&findings, Paint::of_stdout())) };
        output::unless_nobody_reads(printed)?;
        let is_error = findings.findings.iter().any(|finding| finding.severity == Severity::Error);
        Ok(if is_error { End::Refused } else { End::Done })
    }
}

async fn asked(reach: &Reach) -> Result<Findings> {
    Ok(reach.client()?.get(&Route::v1(&["doctor"])).await?.value)
}

/// Nobody was there, or nobody knows where.
fn is_no_daemon(why: &anyhow::Error) -> bool {
    match why.downcast_ref::<ClientError>() {
        Some(error) => matches!(error, ClientError::NoDaemon { .. }),
        None => !why.is::<Usage>(),
    }
}

/// What can be seen without a daemon.
async fn looked(configuration: &Path, why: &anyhow::Error) -> Vec<Finding> {
    let mut findings = vec![warning("daemon", format!("none runs: {}", super::in_a_line(why)), "start it: `plugbay run`")];
    let about = "configuration";
    match ConfigFile::read(configuration) {
        Ok(file) => {
            let found = if configuration.exists() { "is right" } else { "isn't there; every setting has its default" };
            findings.push(ok(about, format!("{} {found}", configuration.display())));
            findings.extend(places(&file.config).await);
        }
        Err(e) => findings.push(error(about, e.to_string(), "correct the file; `plugbay config check` shows all of it")),
    }
    findings
}

async fn places(config: &Config) -> Vec<Finding> {
    let mut findings = plugins(config);
    let outbox = config.outbox_folder();
    for (about, path) in [("state directory", &config.host.state), ("cache", &config.host.cache), ("outbox", &outbox)] {
        findings.push(if path.exists() { owned(about, path) } else { absent(about, path) });
    }
    if config.host.state.exists() {
        findings.push(state(config).await);
    }
    findings
}

fn plugins(config: &Config) -> Vec<Finding> {
    let (about, path) = ("plugins directory", &config.host.plugins);
    let scan = match Directory::open(path, config.engine.component_size).and_then(|directory| directory.scan()) {
        Ok(scan) => scan,
        Err(DirectoryError::Missing { path }) => return vec![absent(about, &path)],
        Err(e) => return vec![error(about, e.to_string(), "mend it: no plugin can be loaded from it as it is")],
    };
    let count = words::count(scan.entries.len() as u64, "entry", "entries");
    let refused = scan.entries.iter().filter_map(|(name, entry)| match entry {
        Entry::Refused(why) => Some(warning(&format!("file {name}"), why.to_string(), "mend it, or take it out of the plugins directory")),
        Entry::File { .. } => None,
    });
    [ok(about, format!("{count} in {}", path.display()))].into_iter().chain(refused).collect()
}

async fn state(config: &Config) -> Finding {
    let about = "state";
    match read(&config.host.state).await {
        Ok(rows) => ok(about, format!("it can be read: {} of plugins", words::count(rows, "row", "rows"))),
        Err(e) => error(about, e.to_string(), "look at the disk and the rights of the state directory"),
    }
}

async fn read(directory: &Path) -> Result<u64, StateError> {
    let state = Sqlite::open_read_only(SqliteSettings::new(directory))?;
    let used = state.usage().await;
    state.close().await;
    Ok(used?.iter().map(|usage| usage.rows).sum())
}

fn absent(about: &str, path: &Path) -> Finding {
    ok(about, format!("{} isn't there yet; `plugbay run` makes it", path.display()))
}

fn in_words(findings: &Findings, paint: Paint) -> String {
    let mut text = String::new();
    for finding in &findings.findings {
        let (tone, mark) = match finding.severity {
            Severity::Ok => (Tone::Good, "ok"),
            Severity::Warning => (Tone::Warning, "warning"),
            Severity::Error => (Tone::Bad, "error"),
        };
        let mark = paint.on(tone, &format!("{mark:<7}"));
        // Writing to text doesn't fail.
        let _ = writeln!(text, "{mark}  {}: {}", one_line(&finding.about), one_line(&finding.found));
        if let Some(advice) = &finding.advice {
            let _ = writeln!(text, "         -> {}", one_line(advice));
        }
    }
    text
}
