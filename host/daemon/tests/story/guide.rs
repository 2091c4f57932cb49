//! Keeps docs/operators.md honest: its `console` blocks are carried out in order, in a fresh directory, and what they show is compared.
//!
//! A line that begins with `$ ` is given to `sh`, with `plugbay` on the path and the directory of `builds` beside it; what follows is what was printed.
//! `plugbay run` goes on while the rest is done, and what is shown of it is the beginning of its log; a command that begins with `kill` is over when the
//! daemon is. Commands that only look are repeated until they show what the guide shows, as a reader would: some things take a moment.
//!
//! What differs from run to run counts as equal: digests, times, time that was taken, process ids, runs and lives of sessions, secrets of tokens, the user,
//! a place in a file, and how wide a column is. The directory is called /srv/plugbay, and the port 8642 is a free one.
//!
//! PLUGBAY_RENEW_DOCS=1 writes what was printed into the guide.

use super::program::PATIENCE;
use plugbay_guests::builds;
use regex::Regex;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::{NamedTempFile, TempDir};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operators.md");
const RENEW: &str = "PLUGBAY_RENEW_DOCS=1 cargo test -p plugbay --test story the_guide_shows_what_happens";

/// The directory in the guide.
const DIRECTORY: &str = "/srv/plugbay";

/// The port in the guide.
const PORT: &str = "8642";

/// Commands that only look.
const LOOKS: [&str; 9] = ["list", "inspect", "versions", "usage", "logs", "history", "doctor", "approvals", "tools"];

/// How long looking may go on where the guide is written anew: nobody knows yet what is waited for.
const RENEWING: Duration = Duration::from_secs(4);

/// What differs from run to run, and what it counts as.
const VARIES: [(&str, &str); 10] = [
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\b[0-9a-f]{12}\b", "DIG"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b\d+\.\d (ms|s)\b|\b\d+ us\b|\bunder 1 ms\b", "SPAN"),
    (r"\bprocess \d+", "process PID"),
    (r"\bplugbay_[A-Za-z0-9_-]{16,}", "SECRET"),
    (r"\buid:\d+", "USER"),
    (r"\bat byte \d+", "at byte N"),
    (" {2,}", "  "),
];

/// One command of the guide, and what is shown for it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    command: String,
    shown: String,
}

/// A part of the guide.
enum Part {
    Text(String),
    Console(Vec<Step>),
}

#[test]
fn the_guide_shows_what_happens() {
    let text = fs::read_to_string(GUIDE).unwrap();
    let parts = parts(&text);
    assert_eq!(written(&parts), text, "a console block isn't read as it is written");
    let renew = std::env::var_os("PLUGBAY_RENEW_DOCS").is_some();
    let mut reader = Reader::new(if renew { RENEWING } else { PATIENCE });
    let same = Same::new();
    let mut lived = Vec::new();
    for part in parts {
        lived.push(match part {
            Part::Text(text) => Part::Text(text),
            Part::Console(steps) => {
                let now: Vec<_> = steps.iter().map(|step| reader.follows(step, &same)).collect();
                let differs = steps.iter().zip(&now).any(|(is, now)| !same.are(&is.shown, &now.shown));
                assert!(
                    renew || !differs,
                    "docs/operators.md shows something else than what happens:\n{}\nrenew it: {RENEW}",
                    console(&now)
                );
                Part::Console(now)
            }
        });
    }
    if renew {
        fs::write(GUIDE, written(&lived)).unwrap();
    }
}

/// The guide, cut where console blocks begin and end.
fn parts(text: &str) -> Vec<Part> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("```console\n") {
        let (block, after) = after.split_once("```\n").expect("a console block without an end");
        parts.extend([Part::Text(before.to_owned()), Part::Console(steps(block))]);
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    parts
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: String::new() }),
            (None, Some(step)) => step.shown += &format!("{line}\n"),
            (None, None) => panic!("a console block begins with `$ `: {line}"),
        }
    }
    steps
}

fn written(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Console(steps) => console(steps),
    };
    parts.iter().map(part).collect()
}

fn console(steps: &[Step]) -> String {
    let steps: String = steps.iter().map(|Step { command, shown }| format!("$ {command}\n{shown}")).collect();
    format!("```console\n{steps}```\n")
}

/// Compares what is shown, but for what varies.
struct Same(Vec<(Regex, &'static str)>);

impl Same {
    fn new() -> Self {
        Self(VARIES.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into())
    }

    fn are(&self, one: &str, other: &str) -> bool {
        self.plain(one) == self.plain(other)
    }

    fn plain(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
    }
}

/// Somebody who follows the guide.
struct Reader {
    directory: TempDir,
    log: NamedTempFile,
    path: OsString,
    port: String,
    daemon: Option<Child>,
    patience: Duration,
}

impl Reader {
    fn new(patience: Duration) -> Self {
        let directory = TempDir::new().unwrap();
        builds::write(&directory.path().join("builds")).unwrap();
        let programs = Path::new(env!("CARGO_BIN_EXE_plugbay")).parent().unwrap();
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&paths))).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        Self { directory, log: NamedTempFile::new().unwrap(), path, port, daemon: None, patience }
    }

    /// Does a step as the guide says, and tells what it showed.
    fn follows(&mut self, step: &Step, same: &Same) -> Step {
        let shown = match step.command.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["plugbay", "run", ..] => self.runs(step, same),
            ["plugbay", look, ..] if LOOKS.contains(look) => {
                self.until(|reader| reader.prints(&step.command), |now| same.are(now, &step.shown))
            }
            ["kill", ..] => self.prints(&step.command) + &self.ended(),
            _ => self.prints(&step.command),
        };
        Step { command: step.command.clone(), shown }
    }

    /// What a command prints, but for what a terminal shows only while the command is under way.
    fn prints(&self, command: &str) -> String {
        let output = self.shell(&format!("exec 2>&1; {command}")).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        self.as_in_the_guide(printed.lines().filter(|line| !line.ends_with(" …")).map(|line| format!("{line}\n")).collect())
    }

    /// Starts the daemon; what it logs, as far as the guide shows it.
    fn runs(&mut self, step: &Step, same: &Same) -> String {
        assert!(self.daemon.is_none(), "the guide starts a second daemon beside the first");
        let mut daemon = self.shell(&format!("exec {}", step.command));
        self.daemon = Some(daemon.stdout(Stdio::null()).stderr(File::create(self.log.path()).unwrap()).spawn().unwrap());
        let lines = step.shown.lines().count();
        let logged = |reader: &Self| {
            let text = fs::read_to_string(reader.log.path()).unwrap();
            reader.as_in_the_guide(text.lines().take(lines).map(|line| format!("{line}\n")).collect())
        };
        self.until(logged, |now| same.are(now, &step.shown))
    }

    /// Waits for the daemon's end.
    fn ended(&mut self) -> String {
        let status = self.daemon.take().expect("the guide ends a daemon that it hasn't started").wait().unwrap();
        assert_eq!(status.code(), Some(0));
        String::new()
    }

    /// Looks until it is as it should be, or patience is over.
    fn until(&self, look: impl Fn(&Self) -> String, is_right: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        loop {
            let now = look(self);
            if is_right(&now) || begin.elapsed() > self.patience {
                return now;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PLUGBAY_"));
        for (name, _) in ours {
            shell.env_remove(name);
        }
        let command = command.replace(PORT, &self.port);
        shell.args(["-c", &command]).current_dir(self.directory.path()).env("PATH", &self.path).stdin(Stdio::null());
        shell
    }

    fn as_in_the_guide(&self, text: String) -> String {
        text.replace(self.directory.path().to_str().unwrap(), DIRECTORY)
            .replace(&format!("127.0.0.1:{}", self.port), &format!("127.0.0.1:{PORT}"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            // It has ended already, or ends now.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

#[test]
fn what_varies_counts_as_equal_and_nothing_else_does() {
    let same = Same::new();
    assert!(
        same.are("a  0123456789ab  1.2 ms left, process 7", "a     ba9876543210 59.8 s left, process 8".replace("10 5", "10  5").as_str())
    );
    assert!(same.are("2026-11-20T18:00:00Z uid:0", "2027-01-02T03:04:05.678Z uid:1000"));
    for (one, other) in [("generation 1", "generation 2"), ("0.1.0", "0.2.0"), ("a b", "a  b"), ("active", "held"), ("15000 ms", "1 ms")] {
        assert!(!same.are(one, other), "{one}");
    }
}
