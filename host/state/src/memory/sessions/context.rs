//! Cursors, compactions and subagents in memory: the first two with their session, subagents beside it.

use super::Contents;
use crate::error::Problem;
use crate::sessions::rows::{Contexts, Look, Subagents};
use crate::sessions::{Compaction, Cursor, Subagent};
use std::cmp::Reverse;

fn called(plugin: &str, name: &str) -> (String, String) {
    (plugin.to_owned(), name.to_owned())
}

impl Contexts for Contents {
    fn cursor(&self, session: &str, engine: &str) -> Result<Option<Cursor>, Problem> {
        Ok(self.talk(session).and_then(|session| session.cursors.get(engine)).cloned())
    }

    fn put_cursor(&mut self, session: &str, engine: &str, cursor: &Cursor) -> Result<(), Problem> {
        self.talk_mut(session)?.cursors.insert(engine.to_owned(), cursor.clone());
        Ok(())
    }

    fn compacted(&self, session: &str) -> Result<u64, Problem> {
        Ok(self.talk(session).and_then(|session| session.compactions.last()).map_or(0, |newest| newest.entries))
    }

    fn compactions(&self, session: &str, limit: usize, look: Look<'_, Compaction>) -> Result<(), Problem> {
        let compactions = self.talk(session).into_iter().flat_map(|session| session.compactions.iter().rev());
        let _ = compactions.take(limit).cloned().try_for_each(look);
        Ok(())
    }

    fn add_compaction(&mut self, session: &str, compaction: &Compaction) -> Result<(), Problem> {
        self.talk_mut(session)?.compactions.push(compaction.clone());
        Ok(())
    }
}

impl Subagents for Contents {
    fn subagent(&self, plugin: &str, name: &str) -> Result<Option<Subagent>, Problem> {
        Ok(self.talks.subagents.get(&called(plugin, name)).cloned())
    }

    fn subagent_at(&self, session: &str) -> Result<Option<Subagent>, Problem> {
        Ok(self.talks.subagents.values().find(|subagent| subagent.session == session).cloned())
    }

    fn subagents(&self, plugin: Option<&str>, limit: usize, look: Look<'_, Subagent>) -> Result<(), Problem> {
        let mut listed: Vec<_> =
            self.talks.subagents.values().filter(|subagent| plugin.is_none_or(|plugin| subagent.plugin == plugin)).collect();
        // They come by plugin and name, and stay so.
        listed.sort_by_key(|subagent| Reverse((subagent.gone, subagent.deleting)));
        let _ = listed.into_iter().take(limit).cloned().try_for_each(look);
        Ok(())
    }

    fn subagents_behind(&self, after: Option<&str>, limit: usize, look: Look<'_, Subagent>) -> Result<(), Problem> {
        let behind = |subagent: &&Subagent| after.is_none_or(|after| subagent.session.as_str() > after);
        let mut listed: Vec<_> = self.talks.subagents.values().filter(behind).collect();
        listed.sort_by(|one, other| one.session.cmp(&other.session));
        let _ = listed.into_iter().take(limit).cloned().try_for_each(look);
        Ok(())
    }

    fn mark_subagents_of(&mut self, parent: &str) -> Result<(), Problem> {
        let children = self.talks.subagents.values_mut().filter(|subagent| subagent.parent == parent);
        children.for_each(|subagent| subagent.deleting = true);
        Ok(())
    }

    fn put_subagent(&mut self, row: &Subagent) -> Result<(), Problem> {
        self.talks.subagents.insert(called(&row.plugin, &row.name), row.clone());
        Ok(())
    }

    fn remove_subagent(&mut self, plugin: &str, name: &str) -> Result<(), Problem> {
        self.talks.subagents.remove(&called(plugin, name));
        Ok(())
    }
}
