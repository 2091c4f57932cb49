//! Places for runs, and who has how many: no plugin has more of them than are left. So one whose runs hang has half of them at most, two a third each, and there are always some for the others.
//!
//! A place costs a lock when it is taken and when it is given back. Who found no room for a plugin is told when there may be.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// All places. Cheap to clone: all clones are one.
#[derive(Clone)]
pub(super) struct Places(Arc<Inner>);

struct Inner {
    all: Arc<Semaphore>,
    taken: Mutex<Taken>,
    /// Rung when there is room for a plugin that there was none for.
    bell: Arc<Notify>,
}

#[derive(Default)]
struct Taken {
    by: HashMap<String, usize>,
    /// Whether there was no room for somebody.
    left_out: bool,
}

/// Places that nobody runs in yet.
pub(super) struct Free(Vec<OwnedSemaphorePermit>);

/// A place that a plugin's run has, until it is dropped.
pub(super) struct Place {
    places: Places,
    plugin: String,
    permit: Option<OwnedSemaphorePermit>,
}

/// Whose runs there is room for.
pub(super) struct Room {
    pub(super) plugins: Vec<String>,
    /// For how many runs, whoever of them they are of.
    pub(super) runs: usize,
}

impl Places {
    pub(super) fn new(count: usize, bell: Arc<Notify>) -> Self {
        let all = Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner { all, taken: Mutex::default(), bell }))
    }

    /// Waits for one, and takes as many as there are, but no more than this.
    pub(super) async fn free(&self, most: usize) -> Option<Free> {
        let mut free = vec![self.0.all.clone().acquire_owned().await.ok()?];
        while free.len() < most
            && let Ok(place) = self.0.all.clone().try_acquire_owned()
        {
            free.push(place);
        }
        Some(Free(free))
    }

    /// Which of these plugins may have more places, of those that are free.
    pub(super) fn room(&self, plugins: &[String], free: &Free) -> Room {
        let mut taken = self.0.lock();
        let left = free.0.len() + self.0.all.available_permits();
        let has = |plugin: &&String| taken.by.get(*plugin).copied().unwrap_or(0);
        let open: Vec<_> = plugins.iter().filter(|plugin| has(plugin) < left).collect();
        let most = open.iter().map(has).max().unwrap_or(0);
        let runs = (left - most).div_ceil(2).min(free.0.len());
        let room = Room { plugins: open.into_iter().cloned().collect(), runs };
        taken.left_out |= room.plugins.len() < plugins.len();
        room
    }

    /// Gives a plugin one of these.
    pub(super) fn take(&self, plugin: &str, free: &mut Free) -> Place {
        *self.0.lock().by.entry(plugin.to_owned()).or_default() += 1;
        Place { places: self.clone(), plugin: plugin.to_owned(), permit: free.0.pop() }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // First there is a place more: who then finds no room for this plugin is told below.
        drop(self.permit.take());
        let inner = &self.places.0;
        let mut taken = inner.lock();
        if let Some(runs) = taken.by.get_mut(&self.plugin) {
            *runs -= 1;
            if *runs == 0 {
                taken.by.remove(&self.plugin);
            }
        }
        if take(&mut taken.left_out) {
            inner.bell.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// Takes as many places for one plugin as it may have.
    async fn fill(places: &Places, plugin: &str) -> Vec<Place> {
        let mut taken = Vec::new();
        loop {
            let mut free = places.free(64).await.unwrap();
            let room = places.room(&[plugin.to_owned()], &free);
            if room.plugins.is_empty() {
                return taken;
            }
            taken.extend((0..room.runs).map(|_| places.take(plugin, &mut free)));
        }
    }

    #[tokio::test]
    async fn no_plugin_has_more_than_are_left() {
        let bell = Arc::new(Notify::new());
        let places = Places::new(32, bell.clone());
        let first = fill(&places, "a").await;
        assert_eq!(first.len(), 16);
        let second = fill(&places, "b").await;
        assert_eq!(second.len(), 8);
        assert_eq!(fill(&places, "a").await.len(), 0);
        drop(first);
        assert!(bell.notified().now_or_never().is_some(), "there was no room for it, and there is now");
        assert_eq!(fill(&places, "a").await.len(), 12);
        drop(second);
        assert_eq!(fill(&places, "c").await.len(), 16, "nothing is left of who had places");
        assert!(places.0.lock().by.is_empty());
    }

    #[tokio::test]
    async fn a_single_place_is_for_anybody() {
        let places = Places::new(1, Arc::default());
        let free = places.free(64).await.unwrap();
        assert_eq!(places.room(&["a".to_owned()], &free).runs, 1);
    }
}
