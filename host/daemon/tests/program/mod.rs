//! The real program in a directory of its own: what the tests of its commands and of its story share.
//!
//! A daemon is killed when its test ends, however that ends. Waiting is for conditions only, and gives up far later than they take.

use plugbay_guests::built;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a condition may take to come true before a test gives up: far longer than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Cells that these tests need, rather than the default's address space.
pub(crate) const CONFIGURATION: &str = "[engine]\ncells = 50\n";

/// A directory with a configuration, and no daemon.
pub(crate) struct Place(pub(crate) TempDir);

/// A daemon that runs in a directory. Killed when it is dropped.
pub(crate) struct Daemon {
    pub(crate) place: Place,
    pub(crate) child: Child,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(CONFIGURATION)
    }

    pub(crate) fn with(configuration: &str) -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::write(place.configuration(), configuration).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.path("plugbay.toml")
    }

    /// A command, not started yet.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plugbay"));
        let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PLUGBAY_"));
        for (name, _) in ours {
            command.env_remove(name);
        }
        command.arg("--config").arg(self.configuration()).args(arguments).stdin(Stdio::null());
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Starts a daemon and waits until it answers.
    #[track_caller]
    pub(crate) fn start(self) -> Daemon {
        let child = self.spawn();
        let mut daemon = Daemon { place: self, child };
        daemon.answers();
        daemon
    }

    /// Starts a daemon, its log in the file `daemon.log`.
    fn spawn(&self) -> Child {
        let log = File::create(self.path("daemon.log")).unwrap();
        self.command(&["run"]).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }
}

impl Daemon {
    /// Starts another daemon after this one has ended, and waits until it answers.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.child = self.place.spawn();
        self.answers();
    }

    #[track_caller]
    fn answers(&mut self) {
        wait("the daemon answers", || {
            assert_eq!(self.child.try_wait().unwrap(), None, "{}", self.log());
            self.place.run(&["list"]).code == 0
        });
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.place.run(arguments)
    }

    /// What it prints, after checking that all is well.
    #[track_caller]
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        self.run(arguments).done()
    }

    /// What it prints with `--json`.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.says(&[arguments, &["--json"]].concat());
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Installs the plugin `echo`, with what it asks for.
    #[track_caller]
    pub(crate) fn with_echo(self) -> Self {
        self.says(&["install", built::ECHO_ONE, "--grant", "conversation"]);
        self
    }

    /// What the daemon logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.place.path("daemon.log")).unwrap()
    }

    /// Sends a signal and waits for the end.
    #[track_caller]
    pub(crate) fn end(&mut self, signal: rustix::process::Signal) -> ExitStatus {
        self.signal(signal);
        self.child.wait().unwrap()
    }

    #[track_caller]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// What it printed.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// Why it failed: the last line of standard error.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.stderr.lines().last().unwrap().to_owned()
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The line that begins so, with its words.
#[track_caller]
pub(crate) fn words<'t>(text: &'t str, first: &str) -> Vec<&'t str> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(first));
    line.unwrap_or_else(|| panic!("no line {first}: {text}")).split_whitespace().collect()
}

#[track_caller]
pub(crate) fn has(text: &str, part: &str) {
    assert!(text.contains(part), "no `{part}` in: {text}");
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
