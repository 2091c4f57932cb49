//! Tables and statements of conversations.
//!
//! Everything of a session is found by its key. What is long stands last in a row, so that who doesn't read it doesn't pass it. Entries of a life follow each
//! other, so that a window is one range of the index by number.

use super::{context, work};

/// The tables, as version 4 makes them.
pub(super) const TABLES: &str = "
    CREATE TABLE sessions (
        key TEXT NOT NULL PRIMARY KEY,
        life TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        began_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        -- Entries of the lives before this one, and of this one.
        before INTEGER NOT NULL,
        entries INTEGER NOT NULL,
        -- Runs that have begun, over all lives.
        runs INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Lives that are over.
    CREATE TABLE lives (
        session TEXT NOT NULL,
        life TEXT NOT NULL,
        before INTEGER NOT NULL,
        entries INTEGER NOT NULL,
        PRIMARY KEY (session, life)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE entries (
        session TEXT NOT NULL,
        id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        role TEXT NOT NULL,
        tool_call_id TEXT,
        run TEXT,
        content TEXT NOT NULL,
        meta TEXT,
        PRIMARY KEY (session, id)
    ) STRICT;
    CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries BEGIN
        SELECT raise(ABORT, 'a transcript only grows: its entries are not changed');
    END;

    CREATE TABLE runs (
        run TEXT NOT NULL PRIMARY KEY,
        session TEXT NOT NULL,
        number INTEGER NOT NULL,
        life TEXT NOT NULL,
        cause TEXT NOT NULL,
        status TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        ended_at INTEGER,
        error TEXT,
        facts TEXT NOT NULL,
        UNIQUE (session, number)
    ) STRICT;
    CREATE INDEX runs_running ON runs (began_at, run) WHERE status = 'running';

    CREATE TABLE injections (
        number INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        plugin TEXT NOT NULL,
        id TEXT NOT NULL,
        key TEXT,
        created_at INTEGER NOT NULL,
        ttl INTEGER,
        status TEXT NOT NULL,
        run TEXT,
        priority INTEGER NOT NULL,
        append INTEGER NOT NULL,
        text TEXT NOT NULL,
        metadata TEXT
    ) STRICT;
    CREATE INDEX injections_by_session ON injections (session);
    CREATE INDEX injections_by_plugin ON injections (plugin);

    CREATE TABLE session_state (
        session TEXT NOT NULL,
        plugin TEXT NOT NULL,
        namespace TEXT NOT NULL,
        shown TEXT,
        value TEXT NOT NULL,
        PRIMARY KEY (session, plugin, namespace)
    ) STRICT;
    CREATE INDEX session_state_by_plugin ON session_state (plugin);

    CREATE TABLE met (plugin TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (plugin, session)) STRICT, WITHOUT ROWID;

    CREATE TABLE questions (
        id TEXT NOT NULL PRIMARY KEY,
        plugin TEXT NOT NULL,
        session TEXT,
        run TEXT,
        asked_at INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX questions_by_session ON questions (session) WHERE session IS NOT NULL;
";

pub(in crate::sqlite) const STANDING: &str =
    "SELECT life, created_at, began_at, updated_at, before, entries, runs FROM sessions WHERE key = ?1";

pub(in crate::sqlite) const PUT_SESSION: &str = "
    INSERT INTO sessions (key, life, created_at, began_at, updated_at, before, entries, runs) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT DO UPDATE SET life = excluded.life, began_at = excluded.began_at, updated_at = excluded.updated_at,
        before = excluded.before, entries = excluded.entries, runs = excluded.runs";

pub(in crate::sqlite) const SHOWN: &str =
    "SELECT plugin, namespace, shown FROM session_state WHERE session = ?1 AND shown IS NOT NULL ORDER BY plugin, namespace";

/// ?1: the key before the first; ?2: how many sessions at most. A row for each thing that is shown, one for a session that shows nothing.
pub(in crate::sqlite) const SESSIONS: &str = "
    SELECT life, created_at, began_at, updated_at, before, entries, runs, here.key, plugin, namespace, shown
    FROM (SELECT * FROM sessions WHERE key > ?1 ORDER BY key LIMIT ?2) AS here
    LEFT JOIN session_state ON session_state.session = here.key AND shown IS NOT NULL
    ORDER BY here.key, plugin, namespace";

/// What a reset takes along. ?1: the session.
pub(in crate::sqlite) const CLEAR_SESSION: [&str; 5] = [
    "DELETE FROM injections WHERE session = ?1",
    "DELETE FROM session_state WHERE session = ?1",
    context::CLEAR_CURSORS,
    context::CLEAR_COMPACTIONS,
    work::CLEAR_JOBS,
];
/// The other tables with rows of a session, and each's deletion of them. ?1: the session.
pub(in crate::sqlite) const REMOVE_SESSION: [&str; 6] = [
    "DELETE FROM sessions WHERE key = ?1",
    "DELETE FROM lives WHERE session = ?1",
    "DELETE FROM entries WHERE session = ?1",
    "DELETE FROM runs WHERE session = ?1",
    "DELETE FROM questions WHERE session = ?1",
    work::CLEAR_DELIVERIES,
];

/// Of lives: 1 session, 2 life.
pub(in crate::sqlite) const PAST_LIFE: &str = "SELECT before, entries FROM lives WHERE session = ?1 AND life = ?2";
pub(in crate::sqlite) const ADD_PAST_LIFE: &str = "INSERT INTO lives (session, life, before, entries) VALUES (?1, ?2, ?3, ?4)";

/// Entries by number; the order is part of the statement. ?1 session, ?2 first, ?3 last.
macro_rules! entries {
    ($order:literal) => {
        concat!(
            "SELECT id, at, role, content, tool_call_id, run, meta FROM entries WHERE session = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id ",
            $order
        )
    };
}
pub(in crate::sqlite) const ENTRIES_UP: &str = entries!("ASC");
pub(in crate::sqlite) const ENTRIES_DOWN: &str = entries!("DESC");
pub(in crate::sqlite) const ADD_ENTRY: &str =
    "INSERT INTO entries (session, id, at, role, content, tool_call_id, run, meta) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Runs that meet a condition, in an order.
macro_rules! runs {
    ($which:literal) => {
        concat!("SELECT run, session, life, cause, facts, status, began_at, ended_at, error FROM runs WHERE ", $which)
    };
}
pub(in crate::sqlite) const RUN: &str = runs!("run = ?1");
/// ?1: session; ?2: how many at most.
pub(in crate::sqlite) const RUNS: &str = runs!("session = ?1 ORDER BY number DESC LIMIT ?2");
pub(in crate::sqlite) const RUNNING: &str = runs!("status = 'running' ORDER BY began_at, run");
pub(in crate::sqlite) const ADD_RUN: &str = "
    INSERT INTO runs (run, session, number, life, cause, facts, status, began_at, ended_at, error)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
pub(in crate::sqlite) const END_RUN: &str = "UPDATE runs SET status = ?2, ended_at = ?3, error = ?4 WHERE run = ?1";
/// ?1: session; ?2: the last number.
pub(in crate::sqlite) const FORGET_RUNS: &str = "DELETE FROM runs WHERE session = ?1 AND number <= ?2 AND status <> 'running'";

/// Of injections: 1 number.
pub(in crate::sqlite) const INJECTIONS: &str = "
    SELECT number, id, plugin, key, created_at, ttl, status, run, priority, append, text, metadata FROM injections
    WHERE session = ?1 ORDER BY number";
pub(in crate::sqlite) const WAITING: &str = "
    SELECT number, id, plugin, key, created_at, ttl, status, run FROM injections WHERE session = ?1 ORDER BY number";
pub(in crate::sqlite) const ADD_INJECTION: &str = "
    INSERT INTO injections (session, plugin, id, key, created_at, ttl, status, priority, append, text, metadata)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
pub(in crate::sqlite) const MARK_INJECTION: &str = "UPDATE injections SET status = ?2, run = ?3 WHERE number = ?1";
pub(in crate::sqlite) const REMOVE_INJECTION: &str = "DELETE FROM injections WHERE number = ?1";
pub(in crate::sqlite) const FORGET_INJECTIONS: &str = "DELETE FROM injections WHERE plugin = ?1 AND status <> 'shown'";

/// Of a plugin's state: 1 session, 2 plugin, 3 namespace.
pub(in crate::sqlite) const STATE: &str = "SELECT value FROM session_state WHERE session = ?1 AND plugin = ?2 AND namespace = ?3";
pub(in crate::sqlite) const PUT_STATE: &str = "
    INSERT INTO session_state (session, plugin, namespace, shown, value) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET shown = excluded.shown, value = excluded.value";
pub(in crate::sqlite) const REMOVE_STATE: &str = "DELETE FROM session_state WHERE session = ?1 AND plugin = ?2 AND namespace = ?3";
pub(in crate::sqlite) const FORGET_STATE: &str = "DELETE FROM session_state WHERE plugin = ?1";

/// Of what was met: 1 plugin, 2 session.
pub(in crate::sqlite) const HAS_MET: &str = "SELECT EXISTS (SELECT 1 FROM met WHERE plugin = ?1 AND session = ?2)";
pub(in crate::sqlite) const ADD_MET: &str = "INSERT INTO met (plugin, session) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
pub(in crate::sqlite) const FORGET_MET: &str = "DELETE FROM met WHERE plugin = ?1";

pub(in crate::sqlite) const QUESTIONS: &str = "SELECT id, plugin, session, run, body, asked_at FROM questions ORDER BY asked_at, id";
pub(in crate::sqlite) const HAS_QUESTION: &str = "SELECT EXISTS (SELECT 1 FROM questions WHERE id = ?1)";
pub(in crate::sqlite) const ADD_QUESTION: &str =
    "INSERT INTO questions (id, plugin, session, run, body, asked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(in crate::sqlite) const REMOVE_QUESTION: &str = "DELETE FROM questions WHERE id = ?1";
