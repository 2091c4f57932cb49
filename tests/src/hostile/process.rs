//! This process as the kernel sees it: resident memory, processor time, children.
//!
//! Costs a few reads of small files in `/proc`. Where there is no `/proc`, the answers are `None` and empty, and what they would prove isn't checked.

use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

/// Resident memory, in KiB.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub struct Resident {
    /// All of it.
    pub kib: u64,
    /// The part that no file stands behind.
    pub anonymous_kib: u64,
}

impl Resident {
    /// What this process has now.
    pub(super) fn now() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
        };
        Some(Self { kib: field("VmRSS")?, anonymous_kib: field("RssAnon")? })
    }
}

/// The children of all threads of this process, also those that ended and that nobody has asked about yet.
pub(super) fn children() -> Vec<u32> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Processor time of a process, in hundredths of a second: the kernel's unit in `/proc`.
fn ticks(process: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Which share of one core this process and its children use over so long a time.
pub(super) async fn busy_for(time: Duration) -> f64 {
    let begun = Instant::now();
    let (mut last, mut used) = (HashMap::new(), 0);
    while begun.elapsed() < time {
        let processes = children().into_iter().map(|pid| pid.to_string()).chain(["self".to_owned()]);
        for process in processes {
            let Some(now) = ticks(&process) else { continue };
            used += now.saturating_sub(last.insert(process, now).unwrap_or(now));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    used as f64 / 100.0 / begun.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_taken_shows() {
        let before = Resident::now().unwrap();
        let taken = vec![1_u8; 50 << 20];
        let after = Resident::now().unwrap();
        assert!(after.kib > before.kib + (40 << 10) && after.anonymous_kib > before.anonymous_kib + (40 << 10), "{before:?} {after:?}");
        drop(taken);
    }

    #[tokio::test]
    async fn a_child_that_works_shows() {
        let mut child = std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        assert!(children().contains(&child.id()));
        let busy = busy_for(Duration::from_secs(1)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(busy > 0.1, "{busy}");
        assert!(!children().contains(&child.id()));
    }
}
