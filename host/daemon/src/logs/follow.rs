//! Following a plugin's log.
//!
//! A follower is a position in the plugin's ring, so it costs next to nothing, and one that nobody reads from costs nobody anything. It begins with lines
//! that are there already, without a gap or a double before the new ones. One that is too slow is told how many lines it missed, and goes on with the
//! oldest that is kept. Never fails; ends with the log.

use super::LogLine;
use super::log::PluginLog;
use super::ring::Since;
use futures_util::Stream;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;

/// What a follower is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// A line.
    Line(LogLine),
    /// So many lines are gone that the follower hasn't seen.
    Missed(u64),
}

/// A position in a log.
struct Follower {
    log: Arc<PluginLog>,
    news: watch::Receiver<bool>,
    after: u64,
    ready: VecDeque<Followed>,
}

/// All lines from there on, as they come.
pub(super) fn follow(log: Arc<PluginLog>, since: Since) -> impl Stream<Item = Followed> + Send + use<> {
    let follower = Follower { news: log.news(), after: log.after(since), log, ready: VecDeque::new() };
    futures_util::stream::unfold(follower, |mut follower| async move { follower.next().await.map(|followed| (followed, follower)) })
}

impl Follower {
    async fn next(&mut self) -> Option<Followed> {
        loop {
            if let Some(followed) = self.ready.pop_front() {
                return Some(followed);
            }
            // Seen before the lines are read: what comes after is news again.
            let ended = *self.news.borrow_and_update();
            self.read();
            if self.ready.is_empty() && (ended || self.news.changed().await.is_err()) {
                return None;
            }
        }
    }

    fn read(&mut self) {
        for line in self.log.read(Since::Line(self.after)) {
            let missed = line.seq - self.after - 1;
            if missed > 0 {
                self.ready.push_back(Followed::Missed(missed));
            }
            self.after = line.seq;
            self.ready.push_back(Followed::Line(line));
        }
    }
}
