//! Who is asked about what: for each hook the plugins that handle it, in order.
//!
//! What it is for: a dispatch looks up instead of searching. What it costs: made anew when other generations serve; a lookup takes a few nanoseconds.
//! How it fails: it doesn't; a plugin that leaves between lookup and call is noticed by the call.

use super::observers::{Queue, QueueView};
use super::receipt::Skip;
use plugbay_runtime::engine::Isolation;
use plugbay_runtime::{Generation, Grant, HOOKS, Hook, HookInfo, Plugin, PluginId, Plugins, Standing, Subject};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Observers of one plugin that has many cells which are told at once.
const SIDE_BY_SIDE: usize = 64;

/// Who handles what, as of one moment.
#[derive(Default)]
pub(super) struct Roster {
    revision: Option<u64>,
    /// Those that export a hook, at the hook's [place].
    hooks: Vec<Vec<Subscriber>>,
    /// Those that are required and don't serve, though the operator wants them to.
    absent: Vec<Arc<Plugin>>,
    /// What waits for each, whether it serves or not.
    queues: HashMap<PluginId, Arc<Queue>>,
}

/// A plugin that exports a hook.
pub(super) struct Subscriber {
    pub(super) plugin: Arc<Plugin>,
    pub(super) queue: Arc<Queue>,
    priority: i32,
    /// Only these tools or topics.
    only: Option<BTreeSet<String>>,
    /// What it was denied and the hook takes.
    denied: Vec<Grant>,
    /// How many of its observers can be told at once.
    pub(super) side_by_side: usize,
}

impl Roster {
    pub(super) fn is_of(&self, revision: u64) -> bool {
        self.revision == Some(revision)
    }

    /// Who handles what now.
    pub(super) fn renewed(before: &Self, plugins: &Plugins) -> Self {
        // First the number, then the plugins: what changes in between is seen the next time.
        let hooks = HOOKS.iter().map(|_| Vec::new()).collect();
        let mut roster = Self { revision: Some(plugins.revision()), hooks, ..Self::default() };
        for plugin in plugins.all() {
            roster.add(plugin, before);
        }
        for subscribers in &mut roster.hooks {
            // They came by id, and of the same priority they stay so.
            subscribers.sort_by_key(|s| Reverse(s.priority));
        }
        roster
    }

    fn add(&mut self, plugin: Arc<Plugin>, before: &Self) {
        let known = before.queues.get(plugin.id()).filter(|queue| Arc::ptr_eq(queue.plugin(), &plugin));
        let queue = known.map_or_else(|| Arc::new(Queue::new(plugin.clone())), Arc::clone);
        self.queues.insert(plugin.id().clone(), queue.clone());
        let Some(generation) = plugin.generation() else {
            let wanted = plugin.is_required() && plugin.standing() != Standing::Disabled;
            return self.absent.extend(wanted.then_some(plugin));
        };
        for hook in generation.surface().hooks() {
            if let Some(subscribers) = self.hooks.get_mut(place(hook.name)) {
                subscribers.push(Subscriber::of(hook, &generation, plugin.clone(), queue.clone()));
            }
        }
    }

    /// Those that export a hook, those of the highest priority first.
    pub(super) fn of<H: Hook>(&self) -> &[Subscriber] {
        self.hooks.get(const { place(H::NAME) }).map_or(&[], Vec::as_slice)
    }

    /// A plugin that is required, handles this hook as far as anybody knows, and isn't there.
    pub(super) fn lacks(&self, hook: &str, about: Option<&str>) -> Option<&Plugin> {
        let guards = |plugin: &&Arc<Plugin>| plugin.guards(hook).unwrap_or(true) && about != Some(plugin.id().as_str());
        self.absent.iter().find(guards).map(AsRef::as_ref)
    }

    /// Whether anybody who is required isn't there.
    pub(super) const fn lacks_any(&self) -> bool {
        !self.absent.is_empty()
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = QueueView> {
        self.queues.values().map(|queue| queue.view())
    }
}

/// A hook's place among [`HOOKS`]; behind all of them, if there is no such hook. For a hook's type it is found when the host is compiled.
const fn place(hook: &str) -> usize {
    place_in(HOOKS, hook.as_bytes())
}

const fn place_in(hooks: &[HookInfo], hook: &[u8]) -> usize {
    match hooks {
        [first, others @ ..] if !same(first.name.as_bytes(), hook) => 1 + place_in(others, hook),
        _ => 0,
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([first, one @ ..], [second, other @ ..]) => *first == *second && same(one, other),
        _ => false,
    }
}

impl Subscriber {
    fn of(hook: &HookInfo, generation: &Generation, plugin: Arc<Plugin>, queue: Arc<Queue>) -> Self {
        let registered = generation.registration().hook(hook.name);
        let only = registered.and_then(|hook_registration| match hook.subject {
            Some(Subject::Tool) => hook_registration.tools.clone(),
            Some(Subject::Topic) => hook_registration.topics.clone(),
            None => None,
        });
        let side_by_side = match generation.isolation() {
            Isolation::Shared => 1,
            Isolation::Pool(cells) => usize::from(cells.get()).min(SIDE_BY_SIDE),
            Isolation::Session | Isolation::Call => SIDE_BY_SIDE,
        };
        let denied = hook.grants.iter().copied().filter(|grant| !generation.settings().grants.has(*grant)).collect();
        Self { plugin, queue, priority: registered.map_or(0, |r| r.priority), only, denied, side_by_side }
    }

    /// Why it isn't to be asked about this event, if it isn't.
    pub(super) fn passes_over<H: Hook>(&self, event: &H::Event) -> Option<Skip> {
        if !self.denied.is_empty() {
            return Some(Skip::Denied(self.denied.clone()));
        }
        if H::about(event) == Some(self.plugin.id().as_str()) {
            return Some(Skip::AboutItself);
        }
        let subject = H::subject(event)?;
        let wanted = self.only.as_ref().is_none_or(|only| only.contains(subject));
        (!wanted).then(|| Skip::NotItsSubject(subject.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{HOOKS, place};

    #[test]
    fn every_hook_has_a_place_of_its_own() {
        assert!(HOOKS.iter().enumerate().all(|(at, hook)| place(hook.name) == at));
        assert_eq!((place("before-tool"), place("before-tool-calls"), place("")), (HOOKS.len(), HOOKS.len(), HOOKS.len()));
    }
}
