//! Watches the directory: looks when file events hint that it's worth it, when a file has had time to settle, and now and then without a reason.
//!
//! There is no task and no queue: everything happens while [`Watch::next`] is awaited, so a slow consumer is told later, of what is there then. A look blocks, and
//! runs on a thread that may. A look that fails is told as trouble, and tried again.

use super::changes::{Changes, Found, WatchSettings};
use super::events::{Events, Hints, Slot};
use super::{Directory, DirectoryError, Place, Scan};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

/// A directory that is watched. What is there at first is told first.
#[derive(Debug)]
pub struct Watch {
    directory: Directory,
    changes: Changes,
    slot: Arc<Slot>,
    events: Arc<Mutex<Events>>,
    found: VecDeque<Found>,
}

impl Watch {
    /// Watches that directory. Nothing is looked at before [`Self::next`].
    #[must_use]
    pub fn start(directory: Directory, settings: WatchSettings) -> Self {
        let slot = Arc::new(Slot::default());
        let events = if settings.poll.is_some() { Events::none(&slot) } else { Events::of(directory.path(), &slot) };
        let changes = Changes::new(settings, Instant::now());
        Self { directory, changes, slot, events: Arc::new(Mutex::new(events)), found: VecDeque::new() }
    }

    /// What changed next. It may be dropped and awaited again: nothing is lost. Must be awaited within a tokio runtime.
    pub async fn next(&mut self) -> Found {
        loop {
            self.take_hints();
            if let Some(found) = self.found.pop_front() {
                return found;
            }
            let look_at = self.changes.look_at();
            if look_at <= Instant::now() {
                self.look().await;
                continue;
            }
            tokio::select! {
                () = self.slot.filled() => {}
                () = sleep_until(look_at) => {}
            }
        }
    }

    /// Looks now rather than later.
    pub fn rescan(&self) {
        self.slot.look();
    }

    fn take_hints(&mut self) {
        let now = Instant::now();
        let Hints { names, look, no_events } = self.slot.take();
        names.into_iter().for_each(|(name, hint)| self.changes.hint(name, hint, now));
        if look {
            self.changes.look_now(now);
        }
        self.found.extend(no_events.map(|why| Found::NoEvents(self.without_events(&why))));
    }

    fn without_events(&self, why: &str) -> String {
        let (path, every) = (self.directory.path().display(), self.changes.every());
        format!(
            "there are no file events of {path} ({why}), so changes are seen by looking into it, every {every:?} (the setting `watch.poll` says how often)"
        )
    }

    pub(super) async fn look(&mut self) {
        let (directory, events) = (self.directory.clone(), Arc::clone(&self.events));
        let looked = spawn_blocking(move || look(&directory, &events)).await;
        let now = Instant::now();
        match looked {
            Ok(Ok(scan)) => self.found.extend(self.changes.looked(scan, now)),
            Ok(Err(error)) => self.found.extend(self.changes.failed(error.to_string(), now)),
            Err(error) => self.found.extend(self.changes.failed(format!("looking into the plugins directory failed: {error}"), now)),
        }
    }
}

/// Events are followed first, so that nothing happens between the look and the first event; also where rights are too wide, so that it is seen when they are
/// taken away.
fn look(directory: &Directory, events: &Mutex<Events>) -> Result<Scan, DirectoryError> {
    let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
    let opened = directory.opened();
    events.follow(opened.as_ref().ok().map(|(_, metadata)| Place::of(metadata)));
    let (dir, metadata) = opened?;
    directory.trust(&metadata)?;
    directory.scan_in(&dir)
}
