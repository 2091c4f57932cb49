//! What a guest says: stdout, stderr and log lines, bounded, cleaned and handed to a sink line by line.
//!
//! A plugin has one [`Log`]; all its cells share the budget (64 KiB a second). Beyond it lines are dropped, counted, and the count is said as soon
//! as there is room. A line is cut at 4 KiB. Control characters are written as escapes, and values that must not be seen are replaced. Writing
//! never blocks and never fails: a guest can't be broken by its own log, and can't break anybody else with it.

use crate::limits::Limits;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Where lines go.
pub trait LogSink: Send + Sync {
    /// One line: bounded, clean, without a line break.
    fn line(&self, level: Level, text: &str);

    /// Whether lines of this level are kept.
    fn enabled(&self, level: Level) -> bool;
}

/// The sink that hands lines to `tracing`, with the plugin's id.
#[derive(Debug, Clone)]
pub struct TracingSink {
    /// The plugin's id.
    pub plugin: String,
}

impl LogSink for TracingSink {
    fn line(&self, level: Level, text: &str) {
        let plugin = self.plugin.as_str();
        match level {
            Level::Trace => tracing::trace!(target: "plugin", plugin, "{text}"),
            Level::Debug => tracing::debug!(target: "plugin", plugin, "{text}"),
            Level::Info => tracing::info!(target: "plugin", plugin, "{text}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, "{text}"),
            Level::Error => tracing::error!(target: "plugin", plugin, "{text}"),
        }
    }

    fn enabled(&self, level: Level) -> bool {
        match level {
            Level::Trace => tracing::enabled!(target: "plugin", tracing::Level::TRACE),
            Level::Debug => tracing::enabled!(target: "plugin", tracing::Level::DEBUG),
            Level::Info => tracing::enabled!(target: "plugin", tracing::Level::INFO),
            Level::Warn => tracing::enabled!(target: "plugin", tracing::Level::WARN),
            Level::Error => tracing::enabled!(target: "plugin", tracing::Level::ERROR),
        }
    }
}

/// One plugin's log.
pub struct Log {
    sink: Arc<dyn LogSink>,
    rate: usize,
    line: usize,
    secrets: Vec<String>,
    budget: Mutex<Budget>,
}

/// A token bucket that holds one second.
struct Budget {
    left: f64,
    at: Instant,
    dropped: Dropped,
}

/// What was not written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Log {
    /// A log into `sink`. None of `secrets` is ever written.
    #[must_use]
    pub fn new(sink: Arc<dyn LogSink>, limits: &Limits, mut secrets: Vec<String>) -> Self {
        // A secret of several lines is met line by line.
        let lines: Vec<String> = secrets.iter().flat_map(|s| s.lines()).map(str::to_owned).collect();
        secrets.extend(lines);
        secrets.retain(|s| !s.trim().is_empty());
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len())); // a secret that contains another one goes first
        secrets.dedup();
        let rate = limits.log_rate.get();
        let budget = Mutex::new(Budget { left: rate as f64, at: Instant::now(), dropped: Dropped::default() });
        Self { sink, rate, line: limits.log_line.get(), secrets, budget }
    }

    /// Whether lines of this level are kept.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        self.sink.enabled(level)
    }

    /// Writes each line of `text`.
    pub fn write(&self, level: Level, text: &str) {
        if self.enabled(level) {
            text.lines().for_each(|line| self.write_line(level, line, 0));
        }
    }

    /// Writes one line that had so many bytes more than are still there.
    fn write_line(&self, level: Level, line: &str, more: u64) {
        if !self.enabled(level) {
            return;
        }
        let Some(dropped) = self.admit(line.len().min(self.line)) else { return };
        if dropped.lines > 0 {
            let Dropped { lines, bytes } = dropped;
            let limit = self.rate;
            self.sink.line(Level::Warn, &format!("{lines} lines ({bytes} bytes) dropped: over {limit} bytes a second (limits.log-rate)"));
        }
        self.sink.line(level, &self.clean_line(line, more));
    }

    /// What was dropped and not yet said.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        lock(&self.budget).dropped
    }

    /// Whether there is room for these bytes, and if so, what was dropped since the last time there was.
    fn admit(&self, bytes: usize) -> Option<Dropped> {
        let mut budget = lock(&self.budget);
        let now = Instant::now();
        let rate = self.rate as f64;
        budget.left = rate.min(budget.left + now.duration_since(budget.at).as_secs_f64() * rate);
        budget.at = now;
        let cost = bytes.max(1) as f64; // an empty line isn't free
        if budget.left < cost {
            budget.dropped.lines += 1;
            budget.dropped.bytes += bytes as u64;
            return None;
        }
        budget.left -= cost;
        Some(std::mem::take(&mut budget.dropped))
    }

    /// Text as it may be shown to people: without secrets and control characters, at most a line's length.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.clean_line(text, 0)
    }

    fn clean_line(&self, text: &str, more: u64) -> String {
        // Secrets first: one that stands where the line is cut must not be shown in part.
        let redacted = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[secret]"));
        let kept = prefix(&redacted, self.line);
        let mut clean = String::with_capacity(kept.len());
        for c in kept.chars() {
            if c.is_control() && c != '\t' {
                clean.extend(c.escape_default());
            } else {
                clean.push(c);
            }
        }
        let cut = (redacted.len() - kept.len()) as u64 + more;
        if cut > 0 {
            clean.push_str(&format!(" [cut: {cut} bytes more]"));
        }
        clean
    }

    /// Bytes of a line that have to be there so that it can be cleaned.
    fn gathered(&self) -> usize {
        self.line + self.secrets.first().map_or(0, String::len)
    }
}

/// The longest prefix of at most `bytes` bytes.
fn prefix(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// A lock whose poison doesn't matter: every critical section here leaves whole values.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of a cell's output streams: gathers bytes into lines.
pub(crate) struct Lines {
    log: Arc<Log>,
    level: Level,
    gathered: Vec<u8>,
    /// Bytes of the line at hand that had no room.
    cut: u64,
    /// The last lines, for a panic's message.
    last: VecDeque<String>,
}

/// Lines that are kept for a panic's message.
const LAST: usize = 8;

impl Lines {
    pub(crate) fn new(log: Arc<Log>, level: Level) -> Self {
        Self { log, level, gathered: Vec::new(), cut: 0, last: VecDeque::new() }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|b| *b == b'\n') {
            let (line, after) = rest.split_at(at);
            self.gather(line);
            self.end();
            rest = after.get(1..).unwrap_or_default();
        }
        self.gather(rest);
    }

    /// What the guest wrote last, and forgets it.
    pub(crate) fn take_last(&mut self) -> Option<String> {
        if !self.gathered.is_empty() {
            self.end();
        }
        let lines: Vec<String> = self.last.drain(..).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn gather(&mut self, bytes: &[u8]) {
        let room = self.log.gathered().saturating_sub(self.gathered.len());
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.gathered.extend_from_slice(taken);
        self.cut += (bytes.len() - taken.len()) as u64;
    }

    fn end(&mut self) {
        let line = std::mem::take(&mut self.gathered);
        let text = String::from_utf8_lossy(&line);
        self.log.write_line(self.level, &text, std::mem::take(&mut self.cut));
        if self.level == Level::Error {
            if self.last.len() == LAST {
                self.last.pop_front();
            }
            self.last.push_back(self.log.clean(&text));
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.gathered.is_empty() {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn line(&self, _: Level, text: &str) {
            lock(&self.0).push(text.to_owned());
        }

        fn enabled(&self, level: Level) -> bool {
            level > Level::Trace
        }
    }

    fn log(secrets: &[&str]) -> (Arc<Kept>, Arc<Log>) {
        let kept = Arc::new(Kept::default());
        let log = Log::new(kept.clone(), &Limits::default(), secrets.iter().map(ToString::to_string).collect());
        (kept, Arc::new(log))
    }

    #[test]
    fn each_line_is_one_line_without_secrets_and_control_characters() {
        let (kept, log) = log(&["key", "key-and-more", "", "-----BEGIN\nmiddle\nEND-----"]);
        log.write(Level::Info, "a key\nand key-and-more\u{1b}[31m\nin the middle");
        log.write(Level::Trace, "not kept");
        assert_eq!(*lock(&kept.0), ["a [secret]", "and [secret]\\u{1b}[31m", "in the [secret]"]);
    }

    #[test]
    fn a_secret_over_the_place_where_a_line_is_cut_is_not_shown_in_part() {
        let (kept, log) = log(&["0123456789"]);
        log.write(Level::Info, &format!("{}0123456789", "x".repeat(4_090)));
        let mut lines = Lines::new(log, Level::Info);
        lines.write(format!("{}0123456789 and more\n", "x".repeat(4_090)).as_bytes());
        assert!(lock(&kept.0).iter().all(|line| !line.contains("012")), "{:?}", lock(&kept.0));
    }

    #[test]
    fn a_line_is_gathered_from_pieces_and_cut_where_it_is_too_long() {
        let (kept, log) = log(&[]);
        let mut lines = Lines::new(log, Level::Info);
        lines.write(b"one ");
        lines.write(b"line\ntwo\n\nhalf");
        assert_eq!(*lock(&kept.0), ["one line", "two", ""]);
        drop(lines);
        assert_eq!(lock(&kept.0).last().unwrap(), "half");
    }

    #[test]
    fn a_line_without_end_costs_a_line() {
        let (kept, log) = log(&[]);
        let mut lines = Lines::new(log, Level::Info);
        (0..1_000).for_each(|_| lines.write(&[b'x'; 4_096]));
        assert!(lines.gathered.capacity() <= 16 << 10);
        lines.write(b"\n");
        let kept = lock(&kept.0);
        assert!(kept.len() == 1 && kept[0].len() < 4_200 && kept[0].contains("[cut: 4091904 bytes more]"), "{}", &kept[0][4_000..]);
    }

    #[test]
    fn what_is_beyond_the_rate_is_dropped_and_counted() {
        let (kept, log) = log(&[]);
        (0..1_000).for_each(|_| log.write(Level::Info, &"x".repeat(1_000)));
        let Dropped { lines, bytes } = log.dropped();
        let written = lock(&kept.0).iter().filter(|l| l.starts_with('x')).count() as u64;
        assert!(lines > 900 && written >= 65, "{lines} dropped, {written} written");
        assert!(bytes == lines * 1_000 || lock(&kept.0).iter().any(|l| l.contains("limits.log-rate")));
    }

    #[test]
    fn the_last_of_stderr_is_kept_once() {
        let (_, log) = log(&["pass"]);
        let mut lines = Lines::new(log, Level::Error);
        (0..20).for_each(|n| lines.write(format!("line {n} pass\n").as_bytes()));
        let last = lines.take_last().unwrap();
        assert_eq!((last.lines().count(), last.lines().last()), (LAST, Some("line 19 [secret]")));
        assert_eq!(lines.take_last(), None);
    }
}
