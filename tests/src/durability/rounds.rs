//! Rounds of starting, loading, killing and looking: the program goes by SIGKILL at a moment that a seed decides.
//!
//! After each round the files are copied as they lie there, and the copy is opened, compared and checked; so it is the next round's program that recovers
//! the original. Rounds take `NORMAL` and `FULL` in turn.

use super::book::{Book, Settled};
use super::files;
use super::said::Said;
use anyhow::{Context, Result, bail, ensure};
use plugbay_runtime::state::Synchronous;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long the program may say nothing before it counts as stuck. Nothing is measured by this.
const STUCK: Duration = Duration::from_secs(120);

/// What is done how often.
#[derive(Debug, Clone)]
pub struct KillSettings {
    /// The program that is killed.
    pub program: PathBuf,
    /// How often.
    pub rounds: u64,
    /// What decides when.
    pub seed: u64,
    /// Plugins under load.
    pub plugins: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rounds that ended by SIGKILL, and were found to be right.
    pub rounds: u64,
    /// How many of them committed to the disk (`FULL`).
    pub full: u64,
    /// What happened in all of them.
    pub total: Settled,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, full, total } = self;
        let Settled { registered, filled, consumed, counted, unheard } = total;
        writeln!(f, "killed {rounds} times ({} NORMAL, {full} FULL), integrity_check ok after each", rounds - full)?;
        writeln!(f, "  acknowledged: {registered} registered, {filled} put into bags, {consumed} consumed, {counted} counted up")?;
        write!(f, "  lost: 0; consumed twice: 0; applied by half: 0; in flight when killed and done: {unheard}")
    }
}

/// A running program that says things.
#[derive(Debug)]
pub struct Child {
    process: Process,
    lines: Receiver<Said>,
    /// What it waits for in a scene, if anything: one line each.
    pub stdin: Option<ChildStdin>,
}

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting the program")?;
        let stdin = process.stdin.take();
        let out = process.stdout.take().context("the program has no standard output")?;
        let (heard, lines) = channel();
        std::thread::spawn(move || {
            // A line that isn't one ends what is heard; whoever listens misses the end then.
            for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
                let Ok(said) = serde_json::from_str(&line) else { return };
                if heard.send(said).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, lines, stdin })
    }

    /// What it said that was killed this long after the first line of this kind.
    pub(super) fn killed(command: &mut Command, begun: impl Fn(&Said) -> bool, after: Duration) -> Result<Vec<Said>> {
        let mut child = Self::start(command)?;
        let mut said = Vec::new();
        while !said.last().is_some_and(&begun) {
            said.push(child.next()?.context("the program ended before it acknowledged anything")?);
        }
        std::thread::sleep(after);
        child.kill()?;
        let ended = child.wait()?;
        said.extend(child.rest()?);
        ensure!(ended.signal() == Some(9), "the program ended by itself: {ended}");
        Ok(said)
    }

    /// What it says next; `None` when it says nothing more.
    ///
    /// # Errors
    /// If it seems to be stuck.
    pub fn next(&self) -> Result<Option<Said>> {
        match self.lines.recv_timeout(STUCK) {
            Ok(said) => Ok(Some(said)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!("the program said nothing for {STUCK:?}"),
        }
    }

    /// Everything that it still says, to the end.
    ///
    /// # Errors
    /// If it seems to be stuck.
    pub fn rest(&self) -> Result<Vec<Said>> {
        let mut all = Vec::new();
        while let Some(said) = self.next()? {
            all.push(said);
        }
        Ok(all)
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.process.wait()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended already can't be killed, and nobody minds.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The next of a sequence that a seed decides (xorshift).
pub(super) fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Kills so often, and looks each time.
///
/// # Errors
/// At the first thing that is lost, comes twice or is torn, with the round and the moment.
pub async fn kill_rounds(settings: &KillSettings, folder: &Path) -> Result<Summary> {
    let (mut book, mut seed, mut summary) = (Book::default(), settings.seed | 1, Summary::default());
    for round in 0..settings.rounds {
        let after = Duration::from_millis(20 + next(&mut seed) % 381);
        let mode = if round % 2 == 0 { Synchronous::Normal } else { Synchronous::Full };
        let settled = one(settings, folder, round, mode, after, &mut book).await;
        summary.total += settled.with_context(|| format!("round {round} of seed {}, killed after {after:?}, {mode:?}", settings.seed))?;
        summary.rounds += 1;
        summary.full += u64::from(mode == Synchronous::Full);
    }
    files::sound(&folder.join("state"))?;
    Ok(summary)
}

async fn one(settings: &KillSettings, folder: &Path, round: u64, mode: Synchronous, after: Duration, book: &mut Book) -> Result<Settled> {
    book.begin(round);
    let full = if mode == Synchronous::Full { "full" } else { "normal" };
    let mut command = Command::new(&settings.program);
    command.arg("load").arg(folder.join("state")).arg(folder).arg(full);
    command.args([round, settings.plugins, 1_000_000].map(|n| n.to_string()));
    for said in Child::killed(&mut command, |said| *said != Said::Ready, after)?.iter().filter(|said| **said != Said::Ready) {
        book.note(said)?;
    }
    let left = folder.join("left");
    files::copy(&folder.join("state"), &left)?;
    let settled = book.settle(&files::read(&left).await?)?;
    files::sound(&left)?;
    std::fs::remove_dir_all(&left)?;
    Ok(settled)
}
