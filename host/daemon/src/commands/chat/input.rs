//! What is typed, and Ctrl-C.
//!
//! Lines are read by a thread of their own, which ends with the program: nothing else can wait for a terminal and for an agent at once. Of a program no more is
//! read than is needed next. What a person types while an agent works waits for its turn, and never answers a question that came up after it was typed.

use anyhow::{Context, Result};
use rustix::termios::{QueueSelector, tcflush};
use std::collections::VecDeque;
use std::io;
use std::thread;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Lines that a person may type ahead.
const AHEAD: usize = 4_096;

/// Lines of standard input.
pub(super) struct Input {
    /// How many lines may wait.
    room: usize,
    lines: Option<mpsc::Receiver<io::Result<String>>>,
    /// Lines that were typed before a question came up.
    ahead: VecDeque<io::Result<String>>,
    is_over: bool,
}

impl Input {
    /// What a person types.
    pub(super) fn of_person() -> Self {
        Self { room: AHEAD, lines: None, ahead: VecDeque::new(), is_over: false }
    }

    /// What a program writes, or a file has.
    pub(super) fn of_program() -> Self {
        Self { room: 1, ..Self::of_person() }
    }

    /// The next line; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<String>> {
        let line = match self.ahead.pop_front() {
            Some(line) => Some(line),
            None => self.lines().recv().await,
        };
        self.taken(line)
    }

    /// The next line that is typed from now on.
    pub(super) async fn answer(&mut self) -> Result<Option<String>> {
        let line = self.lines().recv().await;
        self.taken(line)
    }

    /// Puts aside what was typed before now: it answers nothing that comes up now.
    pub(super) fn set_aside(&mut self) -> Result<()> {
        if self.lines.is_none() {
            // Nobody waits for these lines: they were for whatever comes after this program.
            tcflush(io::stdin(), QueueSelector::IFlush).context("can't forget what was typed before the question")?;
        }
        while let Ok(line) = self.lines().try_recv() {
            self.ahead.push_back(line);
        }
        Ok(())
    }

    /// Whether nothing comes any more.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    fn taken(&mut self, line: Option<io::Result<String>>) -> Result<Option<String>> {
        self.is_over |= line.is_none();
        line.transpose().context("can't read standard input")
    }

    /// Reading begins when somebody waits for it: what isn't needed is left to others.
    fn lines(&mut self) -> &mut mpsc::Receiver<io::Result<String>> {
        let room = self.room;
        self.lines.get_or_insert_with(|| {
            let (send, lines) = mpsc::channel(room);
            thread::spawn(move || {
                let mut typed = io::stdin().lines();
                while typed.next().is_some_and(|line| send.blocking_send(line).is_ok()) {}
            });
            lines
        })
    }
}

/// Ctrl-C, which ends no conversation by itself.
pub(super) struct Interrupts {
    signal: Signal,
    count: usize,
}

impl Interrupts {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { signal: signal(SignalKind::interrupt())?, count: 0 })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        if self.signal.recv().await.is_none() {
            // Signals come for as long as the program runs.
            std::future::pending::<()>().await;
        }
        self.count += 1;
    }

    /// Waits for a step, unless somebody doesn't want to: then it is given up.
    pub(super) async fn unless<T>(&mut self, step: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = step => Some(done),
            () = self.next() => None,
        }
    }

    /// How many there were since the last time.
    pub(super) fn take(&mut self) -> usize {
        std::mem::take(&mut self.count)
    }

    /// The same, and they stay counted.
    pub(super) const fn count(&self) -> usize {
        self.count
    }
}
