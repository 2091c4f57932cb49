//! What a guest says: stdout, stderr and log lines, bounded, cleaned and handed to a sink line by line.
//!
//! A plugin has one [`Log`]; all its cells share the budget (64 KiB a second). Beyond it lines are dropped, counted, and the count is said as soon
//! as there is room. A line is cut at 4 KiB, cleaned by [`crate::clean`]. Writing never fails, and takes as long as the sink does: a guest can't be broken
//! by its own log, and can't break anybody else with it.

use crate::clean::Cleaner;
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
    cleaner: Cleaner,
    budget: Mutex<Budget>,
}

/// A token bucket that holds one second.
struct Budget {
    left: f64,
    at: Instant,
    dropped: Dropped,
}

impl Budget {
    /// Whether there is room at this time for what may come to `rate` bytes a second.
    fn has_room(&mut self, now: Instant, rate: f64) -> bool {
        self.left = rate.min(self.left + now.duration_since(self.at).as_secs_f64() * rate);
        self.at = now;
        self.left > 0.0
    }
}

/// What was not written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a line costs at least: the sink has work with each.
const LINE: usize = 64;

impl Log {
    /// A log into `sink`. None of `secrets` is ever written.
    #[must_use]
    pub fn new(sink: Arc<dyn LogSink>, limits: &Limits, secrets: &[String]) -> Self {
        let rate = limits.log_rate.get();
        let budget = Mutex::new(Budget { left: rate as f64, at: Instant::now(), dropped: Dropped::default() });
        Self { sink, rate, cleaner: Cleaner::new(limits.log_line.get(), secrets), budget }
    }

    /// Whether lines of this level are kept.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        self.sink.enabled(level)
    }

    /// Writes each line of `text`.
    pub fn write(&self, level: Level, text: &str) {
        if !self.enabled(level) {
            return;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            if !self.write_line(level, line, 0) {
                // There is no room, and there won't be before the rest is counted.
                let lines = memchr::memchr_iter(b'\n', after.as_bytes()).count() + usize::from(!after.is_empty());
                self.drop_more(lines as u64, after.len() as u64);
                return;
            }
            rest = after;
        }
    }

    /// Writes one line that had so many bytes more than are still there. Whether there was room for it.
    fn write_line(&self, level: Level, line: &str, more: u64) -> bool {
        if !self.enabled(level) {
            return true;
        }
        if !self.has_room() {
            self.drop_more(1, line.len() as u64 + more);
            return false;
        }
        let line = self.cleaner.clean(line, more);
        let Dropped { lines, bytes } = self.charge(line.len().max(LINE));
        if lines > 0 {
            let rate = self.rate;
            self.sink.line(Level::Warn, &format!("{lines} lines ({bytes} bytes) dropped: over {rate} bytes a second (limits.log-rate)"));
        }
        self.sink.line(level, &line);
        true
    }

    /// What was dropped and not yet said.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        lock(&self.budget).dropped
    }

    /// Text as it may be shown to people: without secrets and control characters, at most a line's length.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.cleaner.clean(text, 0)
    }

    fn has_room(&self) -> bool {
        lock(&self.budget).has_room(Instant::now(), self.rate as f64)
    }

    /// Takes bytes off the budget, which may go into debt by a line. What was dropped since the last time there was room.
    fn charge(&self, bytes: usize) -> Dropped {
        let mut budget = lock(&self.budget);
        budget.left -= bytes as f64;
        std::mem::take(&mut budget.dropped)
    }

    fn drop_more(&self, lines: u64, bytes: u64) {
        let mut budget = lock(&self.budget);
        budget.dropped.lines += lines;
        budget.dropped.bytes += bytes;
    }
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
    /// The last lines that the call at hand wrote as errors, for a panic's message.
    last: VecDeque<Vec<u8>>,
}

/// Lines that are kept for a panic's message.
const LAST: usize = 8;

impl Lines {
    pub(crate) fn new(log: Arc<Log>, level: Level) -> Self {
        Self { log, level, gathered: Vec::new(), cut: 0, last: VecDeque::new() }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(at);
            self.gather(line);
            self.end();
            rest = after.get(1..).unwrap_or_default();
        }
        self.gather(rest);
    }

    /// What the call at hand wrote last.
    pub(crate) fn take_last(&mut self) -> Option<String> {
        if !self.gathered.is_empty() {
            self.end();
        }
        let lines: Vec<String> = self.last.drain(..).map(|line| self.log.clean(&String::from_utf8_lossy(&line))).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Another call begins.
    pub(crate) fn forget_last(&mut self) {
        self.last.clear();
    }

    fn gather(&mut self, bytes: &[u8]) {
        let room = self.log.cleaner.needs().saturating_sub(self.gathered.len());
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.gathered.extend_from_slice(taken);
        self.cut += (bytes.len() - taken.len()) as u64;
    }

    fn end(&mut self) {
        let line = std::mem::take(&mut self.gathered);
        self.log.write_line(self.level, &String::from_utf8_lossy(&line), std::mem::take(&mut self.cut));
        if self.level == Level::Error {
            if self.last.len() == LAST {
                self.last.pop_front();
            }
            self.last.push_back(line);
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
    use std::time::Duration;

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
        let log = Log::new(kept.clone(), &Limits::default(), &secrets.iter().map(ToString::to_string).collect::<Vec<_>>());
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
        let since = Instant::now();
        (0..1_000).for_each(|_| log.write(Level::Info, &"x".repeat(1_000)));
        // What a second holds at once, one line of debt, and what comes in addition while it takes.
        let allowed = (64 << 10) as f64 / 1_000.0 * (1.0 + since.elapsed().as_secs_f64()) + 1.0;
        let Dropped { lines, bytes } = log.dropped();
        let kept = lock(&kept.0);
        let written = kept.iter().filter(|line| line.starts_with('x')).count() as u64;
        let said: u64 = kept.iter().filter(|line| line.contains("limits.log-rate")).map(|line| number(line)).sum();
        assert!(written >= 66 && written as f64 <= allowed, "{written} of {allowed}");
        assert_eq!((written + said + lines, bytes), (1_000, lines * 1_000), "{written} written, {said} said to be dropped");
    }

    #[test]
    fn there_is_room_again_as_time_goes_by_and_never_more_than_for_a_second() {
        let start = Instant::now();
        let mut budget = Budget { left: 64.0, at: start, dropped: Dropped::default() };
        let mut lines = |after: Duration| {
            let mut lines = 0;
            while budget.has_room(start + after, 64.0) {
                budget.left -= 8.0;
                lines += 1;
            }
            lines
        };
        assert_eq!([0, 500, 500, 1_000, 9_000].map(|ms| lines(Duration::from_millis(ms))), [8, 4, 0, 4, 8]);
    }

    /// The number that a line begins with.
    fn number(line: &str) -> u64 {
        line.split(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn a_flood_of_empty_lines_is_bounded_in_lines() {
        let (kept, log) = log(&[]);
        let since = std::time::Instant::now();
        log.write(Level::Info, &"\n".repeat(8 << 20));
        // What a second holds at once, and what comes in addition while it takes.
        let allowed = ((64 << 10) / LINE) as f64 * (1.0 + since.elapsed().as_secs_f64()) + 1.0;
        assert!(lock(&kept.0).len() as f64 <= allowed, "{} of {allowed}", lock(&kept.0).len());
        assert!(log.dropped().lines > 8_000_000);
    }

    #[test]
    fn the_last_of_stderr_is_kept_once() {
        let (_, log) = log(&["pass"]);
        let mut lines = Lines::new(log, Level::Error);
        (0..20).for_each(|n| lines.write(format!("line {n} pass\n").as_bytes()));
        let last = lines.take_last().unwrap();
        assert_eq!((last.lines().count(), last.lines().last()), (LAST, Some("line 19 [secret]")));
        lines.write(b"of another call\n");
        lines.forget_last();
        assert_eq!(lines.take_last(), None);
    }
}
