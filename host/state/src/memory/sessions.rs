//! Conversations in memory: everything of a session in one place, found by its key.
//!
//! Entries are a list, so that a window costs what it holds. What is of one plugin in all sessions is looked for in each.

mod context;

use super::Contents;
use crate::error::Problem;
use crate::sessions::rows::{Belongings, Look, Numbered, Standing, Stretch, Transcripts, Turns, Waiting};
use crate::sessions::{
    Compaction, Cursor, Injection, InjectionStatus, NewEntry, NewInjection, Question, RunRow, RunStatus, SessionRow, Shown, StateSpot,
    Subagent,
};
use crate::store::Order;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeInclusive};

/// Sessions, and what belongs to none.
#[derive(Debug, Default)]
pub(super) struct Talks {
    sessions: BTreeMap<String, Session>,
    /// Each run's session, and its number there.
    runs: BTreeMap<String, (String, u64)>,
    /// The last that was given to an injection.
    injection: u64,
    /// Plugins, and the sessions that each has met.
    met: BTreeSet<(String, String)>,
    questions: BTreeMap<String, Question>,
    /// By plugin and name.
    subagents: BTreeMap<(String, String), Subagent>,
}

#[derive(Debug)]
struct Session {
    standing: Standing,
    past: BTreeMap<String, Stretch>,
    /// Of all lives; the first has the number 1.
    entries: Vec<(u64, NewEntry)>,
    runs: BTreeMap<u64, RunRow>,
    injections: BTreeMap<u64, Injection>,
    /// By plugin and namespace.
    state: BTreeMap<(String, String), Kept>,
    /// By engine.
    cursors: BTreeMap<String, Cursor>,
    /// Oldest first.
    compactions: Vec<Compaction>,
}

/// A plugin's state, and what is shown of it.
#[derive(Debug)]
struct Kept {
    value: String,
    shown: Option<String>,
}

impl Session {
    fn new(standing: Standing) -> Self {
        let (past, entries, runs, injections) = (BTreeMap::new(), Vec::new(), BTreeMap::new(), BTreeMap::new());
        let (state, cursors, compactions) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { standing, past, entries, runs, injections, state, cursors, compactions }
    }

    fn shown(&self) -> Vec<Shown> {
        let shown = self.state.iter().filter_map(|((plugin, namespace), kept)| Some((plugin, namespace, kept.shown.as_ref()?)));
        shown
            .map(|(plugin, namespace, value)| Shown { plugin: plugin.clone(), namespace: namespace.clone(), value: value.clone() })
            .collect()
    }
}

impl Contents {
    fn talk(&self, key: &str) -> Option<&Session> {
        self.talks.sessions.get(key)
    }

    /// A session that the rules have found.
    fn talk_mut(&mut self, key: &str) -> Result<&mut Session, Problem> {
        self.talks.sessions.get_mut(key).ok_or_else(|| Problem::Failed(format!("the session {key:?} isn't there")))
    }

    fn kept(&self, at: StateSpot<'_>) -> Option<&Kept> {
        self.talk(at.session)?.state.get(&spot(at))
    }
}

fn spot(at: StateSpot<'_>) -> (String, String) {
    (at.plugin.to_owned(), at.namespace.to_owned())
}

fn place(id: u64) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX).saturating_sub(1)
}

impl Transcripts for Contents {
    fn standing(&self, key: &str) -> Result<Option<Standing>, Problem> {
        Ok(self.talk(key).map(|session| session.standing.clone()))
    }

    fn put_session(&mut self, key: &str, standing: &Standing) -> Result<(), Problem> {
        self.talks.sessions.entry(key.to_owned()).or_insert_with(|| Session::new(standing.clone())).standing = standing.clone();
        Ok(())
    }

    fn remove_session(&mut self, key: &str) -> Result<(), Problem> {
        let runs = self.talks.sessions.remove(key).into_iter().flat_map(|session| session.runs.into_values());
        runs.for_each(|run| drop(self.talks.runs.remove(&run.run)));
        self.talks.questions.retain(|_, question| question.session.as_deref() != Some(key));
        self.desk.clear_jobs(key);
        self.desk.clear_deliveries(key);
        Ok(())
    }

    fn clear_session(&mut self, key: &str) -> Result<(), Problem> {
        let session = self.talk_mut(key)?;
        session.injections.clear();
        session.state.clear();
        session.cursors.clear();
        session.compactions.clear();
        self.desk.clear_jobs(key);
        Ok(())
    }

    fn shown(&self, key: &str) -> Result<Vec<Shown>, Problem> {
        Ok(self.talk(key).map(Session::shown).unwrap_or_default())
    }

    fn sessions(&self, after: Option<&str>, limit: usize, look: Look<'_, SessionRow>) -> Result<(), Problem> {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let sessions = self.talks.sessions.range::<str, _>(behind).take(limit);
        let _ = sessions.map(|(key, session)| session.standing.clone().row(key.clone(), session.shown())).try_for_each(look);
        Ok(())
    }

    fn past_life(&self, key: &str, life: &str) -> Result<Option<Stretch>, Problem> {
        Ok(self.talk(key).and_then(|session| session.past.get(life)).copied())
    }

    fn add_past_life(&mut self, key: &str, life: &str, stretch: Stretch) -> Result<(), Problem> {
        self.talk_mut(key)?.past.insert(life.to_owned(), stretch);
        Ok(())
    }

    fn entries(&self, key: &str, ids: RangeInclusive<u64>, order: Order, look: Look<'_, Numbered>) -> Result<(), Problem> {
        let Some(entries) = self.talk(key).and_then(|session| session.entries.get(place(*ids.start())..=place(*ids.end()))) else {
            return Ok(());
        };
        let numbered = |(id, (at, entry)): (u64, &(u64, NewEntry))| Numbered { id, at: *at, entry: entry.clone() };
        let _ = match order {
            Order::Ascending => ids.zip(entries).map(numbered).try_for_each(look),
            Order::Descending => ids.rev().zip(entries.iter().rev()).map(numbered).try_for_each(look),
        };
        Ok(())
    }

    fn add_entry(&mut self, key: &str, _: u64, at: u64, entry: &NewEntry) -> Result<(), Problem> {
        self.talk_mut(key)?.entries.push((at, entry.clone()));
        Ok(())
    }
}

impl Turns for Contents {
    fn run(&self, run: &str) -> Result<Option<RunRow>, Problem> {
        let row = self.talks.runs.get(run).and_then(|(session, number)| self.talk(session)?.runs.get(number));
        Ok(row.cloned())
    }

    fn runs(&self, session: &str, limit: usize, look: Look<'_, RunRow>) -> Result<(), Problem> {
        let runs = self.talk(session).into_iter().flat_map(|session| session.runs.values().rev());
        let _ = runs.take(limit).cloned().try_for_each(look);
        Ok(())
    }

    fn running(&self) -> Result<Vec<RunRow>, Problem> {
        let runs = self.talks.sessions.values().flat_map(|session| session.runs.values());
        let mut running: Vec<_> = runs.filter(|run| run.status == RunStatus::Running).cloned().collect();
        running.sort_by(|a, b| (a.began_at, &a.run).cmp(&(b.began_at, &b.run)));
        Ok(running)
    }

    fn add_run(&mut self, number: u64, run: &RunRow) -> Result<(), Problem> {
        self.talk_mut(&run.session)?.runs.insert(number, run.clone());
        self.talks.runs.insert(run.run.clone(), (run.session.clone(), number));
        Ok(())
    }

    fn end_run(&mut self, run: &str, status: RunStatus, at: u64, error: Option<&str>) -> Result<(), Problem> {
        let Some((session, number)) = self.talks.runs.get(run).cloned() else { return Ok(()) };
        if let Some(run) = self.talk_mut(&session)?.runs.get_mut(&number) {
            (run.status, run.ended_at, run.error) = (status, Some(at), error.map(str::to_owned));
        }
        Ok(())
    }

    fn forget_runs(&mut self, session: &str, up_to: u64) -> Result<(), Problem> {
        let runs = &mut self.talk_mut(session)?.runs;
        let forgotten: Vec<_> = runs.extract_if(..=up_to, |_, run| run.status != RunStatus::Running).map(|(_, run)| run.run).collect();
        forgotten.iter().for_each(|run| drop(self.talks.runs.remove(run)));
        Ok(())
    }

    fn injections(&self, session: &str) -> Result<Vec<(u64, Injection)>, Problem> {
        let injections = self.talk(session).into_iter().flat_map(|session| &session.injections);
        Ok(injections.map(|(number, injection)| (*number, injection.clone())).collect())
    }

    fn waiting(&self, session: &str) -> Result<Vec<Waiting>, Problem> {
        let injections = self.talk(session).into_iter().flat_map(|session| &session.injections);
        let waiting = injections.map(|(number, Injection { asked, created_at, status, run })| Waiting {
            number: *number,
            id: asked.id.clone(),
            plugin: asked.plugin.clone(),
            key: asked.key.clone(),
            created_at: *created_at,
            ttl_ms: asked.ttl_ms,
            status: *status,
            run: run.clone(),
        });
        Ok(waiting.collect())
    }

    fn add_injection(&mut self, injection: &NewInjection, created_at: u64) -> Result<(), Problem> {
        self.talks.injection += 1;
        let number = self.talks.injection;
        let injection = Injection { asked: injection.clone(), created_at, status: InjectionStatus::Pending, run: None };
        self.talk_mut(&injection.asked.session)?.injections.insert(number, injection);
        Ok(())
    }

    fn mark_injection(&mut self, session: &str, number: u64, status: InjectionStatus, run: Option<&str>) -> Result<(), Problem> {
        if let Some(injection) = self.talk_mut(session)?.injections.get_mut(&number) {
            (injection.status, injection.run) = (status, run.map(str::to_owned));
        }
        Ok(())
    }

    fn remove_injection(&mut self, session: &str, number: u64) -> Result<(), Problem> {
        self.talk_mut(session)?.injections.remove(&number);
        Ok(())
    }

    fn forget_injections(&mut self, plugin: &str) -> Result<(), Problem> {
        let waits = |injection: &Injection| injection.asked.plugin == plugin && injection.status != InjectionStatus::Shown;
        self.talks.sessions.values_mut().for_each(|session| session.injections.retain(|_, injection| !waits(injection)));
        Ok(())
    }
}

impl Belongings for Contents {
    fn state(&self, at: StateSpot<'_>) -> Result<Option<String>, Problem> {
        Ok(self.kept(at).map(|kept| kept.value.clone()))
    }

    fn put_state(&mut self, at: StateSpot<'_>, value: &str, shown: Option<&str>) -> Result<(), Problem> {
        let kept = Kept { value: value.to_owned(), shown: shown.map(str::to_owned) };
        self.talk_mut(at.session)?.state.insert(spot(at), kept);
        Ok(())
    }

    fn remove_state(&mut self, at: StateSpot<'_>) -> Result<(), Problem> {
        self.talk_mut(at.session)?.state.remove(&spot(at));
        Ok(())
    }

    fn forget_belongings(&mut self, plugin: &str) -> Result<(), Problem> {
        for session in self.talks.sessions.values_mut() {
            session.state.retain(|(owner, _), _| owner != plugin);
            session.cursors.remove(plugin);
        }
        self.talks.met.retain(|(who, _)| who != plugin);
        Ok(())
    }

    fn has_met(&self, plugin: &str, session: &str) -> Result<bool, Problem> {
        Ok(self.talks.met.contains(&(plugin.to_owned(), session.to_owned())))
    }

    fn add_met(&mut self, plugin: &str, session: &str) -> Result<(), Problem> {
        self.talks.met.insert((plugin.to_owned(), session.to_owned()));
        Ok(())
    }

    fn questions(&self) -> Result<Vec<Question>, Problem> {
        let mut questions: Vec<_> = self.talks.questions.values().cloned().collect();
        questions.sort_by_key(|question| question.asked_at);
        Ok(questions)
    }

    fn has_question(&self, id: &str) -> Result<bool, Problem> {
        Ok(self.talks.questions.contains_key(id))
    }

    fn add_question(&mut self, question: &Question) -> Result<(), Problem> {
        self.talks.questions.insert(question.id.clone(), question.clone());
        Ok(())
    }

    fn remove_question(&mut self, id: &str) -> Result<(), Problem> {
        self.talks.questions.remove(id);
        Ok(())
    }
}
