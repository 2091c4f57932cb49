//! File events, as hints about when to look.
//!
//! One thread (of `notify`) puts them into a slot for each name, so that they are bounded however slowly they are taken; with more names than that, and when
//! the system lost some, what remains is that a look is due. Where events can't be had, that is said once, and looks go on without them.

use super::Place;
use super::changes::Hint;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::HashMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Names that are remembered until hints are taken.
const NAMES: usize = 4_096;

/// What was hinted at since hints were taken last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    /// The last hint for each name.
    pub(super) names: HashMap<String, Hint>,
    /// Something else happened.
    pub(super) look: bool,
    /// Why there are no events, if that is news.
    pub(super) no_events: Option<String>,
}

/// Where hints wait.
#[derive(Debug, Default)]
pub(super) struct Slot {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    hints: Hints,
    /// The directory was moved or removed, and events are of one that isn't in its place any more.
    astray: bool,
    /// What was said about events last.
    said: Option<String>,
}

/// Follows a directory's events.
#[derive(Debug)]
pub(super) struct Events {
    slot: Arc<Slot>,
    path: PathBuf,
    watcher: Option<RecommendedWatcher>,
    watched: Option<Place>,
}

impl Slot {
    /// Returns once there are hints.
    pub(super) async fn filled(&self) {
        self.wake.notified().await;
    }

    pub(super) fn take(&self) -> Hints {
        mem::take(&mut self.state().hints)
    }

    pub(super) fn look(&self) {
        self.state().hints.look = true;
        self.wake.notify_one();
    }

    fn hint(&self, name: String, hint: Hint) {
        let mut state = self.state();
        if state.hints.names.len() < NAMES || state.hints.names.contains_key(&name) {
            state.hints.names.insert(name, hint);
        } else {
            state.hints.names.clear();
            state.hints.look = true;
        }
        drop(state);
        self.wake.notify_one();
    }

    fn no_events(&self, why: &notify::Error) {
        let why = why.to_string();
        let mut state = self.state();
        if state.said.as_ref() != Some(&why) {
            state.said = Some(why.clone());
            state.hints.no_events = Some(why);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Takes in an event of the directory at that path.
    fn heed(&self, path: &Path, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.no_events(&error),
        };
        let Some(meaning) = meaning(event.kind) else { return };
        let file = event.paths.first().filter(|file| *file != path);
        if file.is_none() && matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
            self.state().astray = true;
        }
        match (meaning, file.and_then(|file| file.file_name())) {
            (Meaning::Hint(hint), Some(name)) => self.hint(name.to_string_lossy().into_owned(), hint),
            _ => self.look(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    /// Of the directory at that path, once it is followed.
    pub(super) fn of(path: &Path, slot: &Arc<Slot>) -> Self {
        let (heeding, of) = (Arc::clone(slot), path.to_owned());
        let watcher = notify::recommended_watcher(move |event| heeding.heed(&of, event));
        let watcher = watcher.map_err(|error| slot.no_events(&error)).ok();
        Self { slot: Arc::clone(slot), path: path.to_owned(), watcher, watched: None }
    }

    /// None at all.
    pub(super) fn none(slot: &Arc<Slot>) -> Self {
        Self { slot: Arc::clone(slot), path: PathBuf::new(), watcher: None, watched: None }
    }

    /// Follows the directory that is there now; no longer the one that was there before, nor any if none is.
    pub(super) fn follow(&mut self, place: Option<Place>) {
        let Some(watcher) = &mut self.watcher else { return };
        let astray = mem::take(&mut self.slot.state().astray);
        if place == self.watched && !astray {
            return;
        }
        if self.watched.take().is_some() {
            match watcher.unwatch(&self.path) {
                Ok(()) => {}
                Err(error) if matches!(error.kind, notify::ErrorKind::WatchNotFound) => {} // it ended with its directory
                Err(error) => self.slot.no_events(&error),
            }
        }
        if place.is_none() {
            return;
        }
        match watcher.watch(&self.path, RecursiveMode::NonRecursive) {
            Ok(()) => self.watched = place,
            Err(error) => self.slot.no_events(&error),
        }
    }
}

enum Meaning {
    Hint(Hint),
    Look,
}

/// What an event means; nothing if somebody only reads, as our own looks do.
const fn meaning(kind: EventKind) -> Option<Meaning> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Meaning::Hint(Hint::Whole)),
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => None, // `Both` comes after `From` and `To`
        EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Any)) => Some(Meaning::Hint(Hint::Whole)),
        EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Metadata(_)) | EventKind::Remove(_) | EventKind::Other => Some(Meaning::Look),
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any => Some(Meaning::Hint(Hint::Writing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind};

    const MODIFIED: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

    fn after(events: &[(EventKind, &str)]) -> (Hints, bool) {
        let slot = Slot::default();
        for (kind, path) in events {
            slot.heed(Path::new("/p"), Ok(Event::new(*kind).add_path(path.into())));
        }
        (slot.take(), slot.state().astray)
    }

    fn names(of: &[(&str, Hint)]) -> Hints {
        Hints { names: of.iter().map(|(name, hint)| ((*name).to_owned(), *hint)).collect(), ..Hints::default() }
    }

    #[test]
    fn the_last_hint_for_a_name_counts() {
        let created = EventKind::Create(CreateKind::File);
        let (hints, _) = after(&[(created, "/p/a"), (MODIFIED, "/p/a"), (CLOSED, "/p/a"), (CLOSED, "/p/b"), (MODIFIED, "/p/b")]);
        assert_eq!(hints, names(&[("a", Hint::Whole), ("b", Hint::Writing)]));
    }

    #[test]
    fn renames_bring_whole_files() {
        let rename = |mode| EventKind::Modify(ModifyKind::Name(mode));
        assert_eq!(after(&[(rename(RenameMode::To), "/p/a")]).0, names(&[("a", Hint::Whole)]));
        assert_eq!(after(&[(rename(RenameMode::From), "/p/a")]).0, Hints { look: true, ..Hints::default() });
        assert_eq!(after(&[(rename(RenameMode::Both), "/p/a")]).0, Hints::default());
    }

    #[test]
    fn our_own_looks_are_no_events() {
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Read));
        assert_eq!(after(&[(opened, "/p"), (closed, "/p"), (opened, "/p/a"), (closed, "/p/a")]).0, Hints::default());
    }

    #[test]
    fn a_directory_that_moves_leads_astray_and_a_file_does_not() {
        let removed = EventKind::Remove(RemoveKind::Folder);
        assert_eq!(after(&[(removed, "/p")]), (Hints { look: true, ..Hints::default() }, true));
        assert_eq!(after(&[(removed, "/p/a")]), (Hints { look: true, ..Hints::default() }, false));
    }

    #[test]
    fn lost_events_lead_to_a_look() {
        let slot = Slot::default();
        slot.heed(Path::new("/p"), Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert_eq!(slot.take(), Hints { look: true, ..Hints::default() });
    }

    #[test]
    fn names_are_bounded() {
        let slot = Slot::default();
        for n in 0..NAMES {
            slot.hint(n.to_string(), Hint::Writing);
        }
        slot.hint("0".into(), Hint::Whole);
        let full = slot.state().hints.names.len();
        slot.hint("one more".into(), Hint::Whole);
        assert_eq!((full, slot.take()), (NAMES, Hints { look: true, ..Hints::default() }));
    }

    #[test]
    fn why_there_are_no_events_is_said_once() {
        let slot = Slot::default();
        let fail = || slot.heed(Path::new("/p"), Err(notify::Error::generic("no watches left")));
        fail();
        assert_eq!(slot.take().no_events.as_deref(), Some("no watches left"));
        fail();
        assert_eq!(slot.take(), Hints::default());
    }
}
