//! The newest lines of a plugin, in memory.
//!
//! Bounded in lines and in bytes, the newest line always kept. Lines are told apart by their numbers, so the ring is the one buffer for everybody who
//! reads: who comes too late sees from the numbers how many lines are gone. Reading copies; never fails.

use super::LogLine;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Which lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The newest so many.
    Last(usize),
    /// All after the one with this number. A number that isn't given out yet is of another life of the log: then all.
    Line(u64),
}

/// What a line costs beside its text.
const LINE: usize = size_of::<LogLine>() + size_of::<Arc<LogLine>>();

/// The newest lines.
#[derive(Debug)]
pub(super) struct Ring {
    lines: VecDeque<Arc<LogLine>>,
    bytes: usize,
    max_lines: NonZeroUsize,
    max_bytes: NonZeroUsize,
}

impl Ring {
    pub(super) fn new(max_lines: NonZeroUsize, max_bytes: NonZeroUsize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, max_lines, max_bytes }
    }

    /// Adds a line; the oldest make room.
    pub(super) fn push(&mut self, line: Arc<LogLine>) {
        self.bytes += cost(&line);
        self.lines.push_back(line);
        while self.lines.len() > self.max_lines.get() || (self.bytes > self.max_bytes.get() && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |gone| cost(&gone));
        }
    }

    /// The lines that are kept, oldest first.
    pub(super) fn read(&self, since: Since) -> Vec<LogLine> {
        let after = self.after(since);
        self.lines.iter().filter(|line| line.seq > after).map(|line| LogLine::clone(line)).collect()
    }

    /// The number of the line before the first that is meant.
    pub(super) fn after(&self, since: Since) -> u64 {
        let newest = self.lines.back().map_or(0, |line| line.seq);
        match since {
            Since::Last(count) => self.lines.iter().rev().take(count).next_back().map_or(newest, |line| line.seq - 1),
            Since::Line(seq) if seq > newest => self.after(Since::Last(usize::MAX)),
            Since::Line(seq) => seq,
        }
    }
}

fn cost(line: &LogLine) -> usize {
    LINE + line.text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::engine::Level;

    fn ring(lines: usize, bytes: usize, texts: &[usize]) -> Ring {
        let mut ring = Ring::new(NonZeroUsize::new(lines).unwrap(), NonZeroUsize::new(bytes).unwrap());
        for (n, len) in texts.iter().enumerate() {
            let line = LogLine { seq: n as u64 + 1, at: 0, level: Level::Info, text: "x".repeat(*len), dropped: None };
            ring.push(Arc::new(line));
        }
        ring
    }

    fn numbers(ring: &Ring, since: Since) -> Vec<u64> {
        ring.read(since).iter().map(|line| line.seq).collect()
    }

    #[test]
    fn the_oldest_lines_make_room_by_count() {
        assert_eq!(numbers(&ring(3, 1 << 20, &[1; 10]), Since::Last(100)), [8, 9, 10]);
    }

    #[test]
    fn the_oldest_lines_make_room_by_bytes_and_the_newest_is_always_there() {
        assert_eq!(numbers(&ring(100, 3 * (LINE + 1_000), &[1_000; 10]), Since::Last(100)), [8, 9, 10]);
        assert_eq!(numbers(&ring(100, 3 * (LINE + 1_000), &[10, 1_000, 3_200, 200]), Since::Last(100)), [4]);
        let huge = ring(100, 10, &[1, 5_000]);
        assert_eq!((numbers(&huge, Since::Last(100)), huge.bytes), (vec![2], LINE + 5_000));
    }

    #[test]
    fn lines_are_read_from_the_end_or_after_a_number() {
        let ring = ring(5, 1 << 20, &[1; 10]);
        assert_eq!(numbers(&ring, Since::Last(2)), [9, 10]);
        assert_eq!(numbers(&ring, Since::Last(0)), [0; 0]);
        assert_eq!(numbers(&ring, Since::Line(8)), [9, 10]);
        assert_eq!(numbers(&ring, Since::Line(10)), [0; 0]);
        assert_eq!(numbers(&ring, Since::Line(2)), [6, 7, 8, 9, 10]);
        assert_eq!(numbers(&ring, Since::Line(11)), [6, 7, 8, 9, 10]);
    }
}
