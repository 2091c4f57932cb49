//! Tables and statements of engines' cursors, of compactions, and of subagents.
//!
//! What is of a session is of its present life, and found by the session's key: a reset takes it away. Subagents are found by plugin and name, or by their
//! session.

/// The tables, as version 5 makes them.
pub(super) const TABLES: &str = "
    CREATE TABLE cursors (
        session TEXT NOT NULL,
        engine TEXT NOT NULL,
        -- The first so many of the life are with the engine.
        entries INTEGER NOT NULL,
        untold TEXT,
        PRIMARY KEY (session, engine)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX cursors_by_engine ON cursors (engine);

    CREATE TABLE compactions (
        session TEXT NOT NULL,
        -- The first so many of the life are in the summary.
        entries INTEGER NOT NULL,
        at INTEGER NOT NULL,
        tokens_before INTEGER NOT NULL,
        tokens_after INTEGER NOT NULL,
        summary TEXT NOT NULL,
        PRIMARY KEY (session, entries)
    ) STRICT;

    CREATE TABLE subagents (
        plugin TEXT NOT NULL,
        name TEXT NOT NULL,
        session TEXT NOT NULL UNIQUE,
        parent TEXT NOT NULL,
        depth INTEGER NOT NULL,
        made_at INTEGER NOT NULL,
        deleting INTEGER NOT NULL,
        engine TEXT,
        ticket TEXT,
        PRIMARY KEY (plugin, name)
    ) STRICT;
";

/// Of cursors: 1 session, 2 engine.
pub(in crate::sqlite) const CURSOR: &str = "SELECT entries, untold FROM cursors WHERE session = ?1 AND engine = ?2";
pub(in crate::sqlite) const PUT_CURSOR: &str = "
    INSERT INTO cursors (session, engine, entries, untold) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET entries = excluded.entries, untold = excluded.untold";
pub(in crate::sqlite) const CLEAR_CURSORS: &str = "DELETE FROM cursors WHERE session = ?1";
/// ?1: engine.
pub(in crate::sqlite) const FORGET_CURSORS: &str = "DELETE FROM cursors WHERE engine = ?1";

/// How many entries the newest covers.
pub(in crate::sqlite) const COMPACTED: &str = "SELECT coalesce(max(entries), 0) FROM compactions WHERE session = ?1";
/// ?1: session; ?2: how many at most.
pub(in crate::sqlite) const COMPACTIONS: &str = "
    SELECT entries, summary, tokens_before, tokens_after, at FROM compactions WHERE session = ?1 ORDER BY entries DESC LIMIT ?2";
pub(in crate::sqlite) const ADD_COMPACTION: &str =
    "INSERT INTO compactions (session, entries, at, tokens_before, tokens_after, summary) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(in crate::sqlite) const CLEAR_COMPACTIONS: &str = "DELETE FROM compactions WHERE session = ?1";

/// Subagents that meet a condition, in an order. Their column `deleting` is 1 for one that is to be deleted, 2 for one whose session is gone, 3 for both.
macro_rules! subagents {
    ($which:literal) => {
        concat!("SELECT session, plugin, name, parent, depth, engine, ticket, made_at, deleting FROM subagents", $which)
    };
}
pub(in crate::sqlite) const SUBAGENT: &str = subagents!(" WHERE plugin = ?1 AND name = ?2");
pub(in crate::sqlite) const SUBAGENT_AT: &str = subagents!(" WHERE session = ?1");
/// ?1: how many at most. Sorted each time: there are few.
pub(in crate::sqlite) const SUBAGENTS: &str = subagents!(" ORDER BY deleting DESC, plugin, name LIMIT ?1");
/// ?1: how many at most; ?2: plugin.
pub(in crate::sqlite) const SUBAGENTS_OF_PLUGIN: &str = subagents!(" WHERE plugin = ?2 ORDER BY deleting DESC, name LIMIT ?1");
/// ?1: the key behind which; ?2: how many at most.
pub(in crate::sqlite) const SUBAGENTS_BEHIND: &str = subagents!(" WHERE session > ?1 ORDER BY session LIMIT ?2");
/// ?1: parent. Looked for in all: there are few.
pub(in crate::sqlite) const MARK_SUBAGENTS_OF: &str = "UPDATE subagents SET deleting = deleting | 1 WHERE parent = ?1";
pub(in crate::sqlite) const PUT_SUBAGENT: &str = "
    INSERT INTO subagents (session, plugin, name, parent, depth, engine, ticket, made_at, deleting) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (plugin, name) DO UPDATE SET engine = excluded.engine, ticket = excluded.ticket, deleting = excluded.deleting";
pub(in crate::sqlite) const REMOVE_SUBAGENT: &str = "DELETE FROM subagents WHERE plugin = ?1 AND name = ?2";
