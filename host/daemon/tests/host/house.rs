//! A place for a host: configuration, plugins directory, state. What is compiled is kept in cargo's folder for tests, for all of them.

use plugbay_daemon::api::types::{Changed, FileView, Finding, HistoryQuery, HookCall, PluginSummary, Standing};
use plugbay_daemon::host::{By, Failure, Host, Program};
use plugbay_guests::built;
use plugbay_guests::odd::Odd;
use plugbay_runtime::state::{Sqlite, SqliteSettings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Ends a test that hangs; nothing is measured by it.
const HANGS: Duration = Duration::from_secs(120);

pub(crate) struct House {
    folder: TempDir,
}

impl House {
    /// Files may be away for this long; what else the configuration says.
    pub(crate) fn new(missing_after: &str, configuration: &str) -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("host-cache");
        let own = format!(
            "[host]\ncache = {cache:?}\n[engine]\ncells = 50\n[watch]\ndebounce = \"20 ms\"\nmissing-after = \"{missing_after}\"\n"
        );
        house.write(&format!("{own}{configuration}"));
        for folder in [house.path("plugins"), house.path("state")] {
            fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
        }
        // One key for all, so that each component is compiled once.
        let key = fs::OpenOptions::new().mode(0o600).write(true).create_new(true).open(house.path("state/cache.key"));
        std::io::Write::write_all(&mut key.unwrap(), &[7; 32]).unwrap();
        house
    }

    /// The same; files may be away for long.
    pub(crate) fn patient(configuration: &str) -> Self {
        Self::new("10 min", configuration)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn program(&self) -> Program {
        Program { configuration: self.path("plugbay.toml"), compiler: env!("CARGO_BIN_EXE_plugbay").into() }
    }

    pub(crate) async fn start(&self) -> Host {
        Host::start(&self.program()).await.unwrap()
    }

    /// Stops a host and starts another.
    pub(crate) async fn restart(&self, host: Host) -> Host {
        host.stop(Duration::from_secs(5)).await;
        drop(host);
        self.start().await
    }

    /// The configuration's text.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path("plugbay.toml")).unwrap()
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.path("plugbay.toml"), text).unwrap();
    }

    /// Adds to the configuration by hand.
    pub(crate) fn add(&self, text: &str) {
        self.write(&format!("{}{text}", self.text()));
    }

    /// Puts a plugin's file into the directory, whole from the first moment.
    pub(crate) fn place(&self, id: &str, component: &[u8]) {
        fs::write(self.path("plugins/.new"), component).unwrap();
        fs::rename(self.path("plugins/.new"), self.file(id)).unwrap();
    }

    pub(crate) fn file(&self, id: &str) -> PathBuf {
        self.path(&format!("plugins/{id}.wasm"))
    }

    pub(crate) fn remove(&self, id: &str) {
        fs::remove_file(self.file(id)).unwrap();
    }

    /// What is in the plugins directory, hidden files too.
    pub(crate) fn files(&self) -> Vec<String> {
        names(&self.path("plugins"))
    }

    /// The state, opened beside the host or after it.
    pub(crate) fn state(&self) -> Sqlite {
        Sqlite::open(SqliteSettings::new(self.path("state"))).unwrap()
    }
}

/// What is in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A plugin that asks for `conversation`, in this version.
pub(crate) fn good(id: &str, version: &str) -> Vec<u8> {
    Odd::new(id).version(id, version).build()
}

/// A plugin that asks for nothing.
pub(crate) fn modest(id: &str, version: &str) -> Vec<u8> {
    Odd::new(id).version(id, version).without_hook().build()
}

/// The plugin `counter`, with these words as its deeds.
pub(crate) fn counter(version: &str, deeds: &str) -> Vec<u8> {
    let mut component = fs::read(built::COUNTER).unwrap();
    let mut put = |from: &[u8], to: &[u8]| {
        let places: Vec<_> = (0..component.len() - from.len()).filter(|at| component[*at..].starts_with(from)).collect();
        assert!(!places.is_empty() && from.len() == to.len(), "{} is in the component", String::from_utf8_lossy(from));
        for at in places {
            component[at..at + from.len()].copy_from_slice(to);
        }
    };
    put(b"7.0.0", version.as_bytes());
    put(format!("{:64}", "deeds:").as_bytes(), format!("{:64}", format!("deeds:{deeds}")).as_bytes());
    component
}

/// Lets others go on until this holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < HANGS, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The plugin in the list, once this holds of it.
pub(crate) async fn once(host: &Host, id: &str, holds: impl Fn(&PluginSummary) -> bool) -> PluginSummary {
    let since = Instant::now();
    loop {
        let found = listed(host, id);
        if let Some(plugin) = found.clone().filter(|p| holds(p)) {
            return plugin;
        }
        assert!(since.elapsed() < HANGS, "it never came to this; at last: {found:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The plugin in the list, if it is in it.
pub(crate) fn listed(host: &Host, id: &str) -> Option<PluginSummary> {
    host.list().plugins.into_iter().find(|p| p.id == id)
}

pub(crate) async fn standing(host: &Host, id: &str, standing: Standing) -> PluginSummary {
    once(host, id, |p| p.standing == standing).await
}

/// The plugin in the list, once it serves in this version.
pub(crate) async fn version(host: &Host, id: &str, version: &str) -> PluginSummary {
    once(host, id, |p| p.standing == Standing::Active && p.version.as_deref() == Some(version)).await
}

/// What its file holds, once that is beside what runs.
pub(crate) async fn beside(host: &Host, id: &str, fate: &str) -> FileView {
    once(host, id, |p| p.file.as_ref().is_some_and(|f| f.fate == fate)).await.file.unwrap()
}

pub(crate) fn me() -> By {
    By::new("alice")
}

/// Decisions about grants.
pub(crate) fn decisions(of: &[(&str, Option<bool>)]) -> BTreeMap<String, Option<bool>> {
    of.iter().map(|(grant, decision)| ((*grant).to_owned(), *decision)).collect()
}

pub(crate) async fn grant(host: &Host, id: &str) -> Changed {
    host.decide(id, &decisions(&[("conversation", Some(true))]), me()).await.unwrap()
}

pub(crate) async fn install(host: &Host, component: &[u8]) -> Result<Changed, Failure> {
    host.install(component.to_vec(), &decisions(&[("conversation", Some(true))]), false, me()).await
}

/// What a plugin answers when this tool is called.
pub(crate) async fn call(host: &Host, id: &str, tool: &str) -> Result<Value, Failure> {
    let event = json!({ "tool-name": tool, "params": {} });
    host.call(id, "before-tool-call", HookCall { event, session: None }).await.map(|answer| answer.outcome)
}

/// The history of a plugin, oldest first: who did what.
pub(crate) async fn history(host: &Host, id: &str) -> Vec<(String, String)> {
    let query = HistoryQuery { plugin: Some(id.to_owned()), before: None, limit: Some(100) };
    let mut events = host.history(query).await.unwrap().events;
    events.reverse();
    events.into_iter().map(|event| (event.what, event.who)).collect()
}

/// The same without who.
pub(crate) async fn happened(host: &Host, id: &str) -> Vec<String> {
    history(host, id).await.into_iter().map(|(what, _)| what).collect()
}

/// What the doctor says of something, but that it is in order.
pub(crate) async fn complaint(host: &Host, about: &str) -> Option<Finding> {
    use plugbay_daemon::api::types::Severity;
    host.doctor().await.findings.into_iter().find(|f| f.about == about && f.severity != Severity::Ok)
}

/// The same, once it complains.
pub(crate) async fn complains(host: &Host, about: &str, word: &str) -> Finding {
    let since = Instant::now();
    loop {
        let found = complaint(host, about).await;
        if let Some(finding) = found.clone().filter(|f| f.found.contains(word)) {
            return finding;
        }
        assert!(since.elapsed() < HANGS, "no complaint about {about} with `{word}` in it; at last: {found:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a text has all of these in it.
#[track_caller]
pub(crate) fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}
