//! Tables and statements of jobs and of deliveries.
//!
//! Jobs that wait have an index of their own by plugin and time, so that those whose time has come are found one after the other, whatever else there is; jobs
//! at work are few, and have one, too. A listing goes along the index of the narrowest thing that is asked for, and looks at the rest as it passes.

/// The tables, as version 6 makes them.
pub(super) const TABLES: &str = "
    CREATE TABLE jobs (
        id TEXT NOT NULL PRIMARY KEY,
        plugin TEXT NOT NULL,
        name TEXT,
        tag TEXT,
        session TEXT,
        life TEXT,
        kind TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        run_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        status TEXT NOT NULL,
        claim TEXT,
        -- It was planned anew since it was claimed.
        anew INTEGER NOT NULL,
        plan TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX jobs_by_name ON jobs (plugin, name) WHERE name IS NOT NULL;
    CREATE INDEX jobs_waiting ON jobs (plugin, run_at, id) WHERE status = 'waiting';
    CREATE INDEX jobs_at_work ON jobs (run_at, id) WHERE status <> 'waiting';
    CREATE INDEX jobs_by_time ON jobs (run_at, id);
    CREATE INDEX jobs_by_plugin ON jobs (plugin, run_at, id);
    CREATE INDEX jobs_by_session ON jobs (session, run_at, id) WHERE session IS NOT NULL;

    CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        plugin TEXT NOT NULL,
        session TEXT NOT NULL,
        life TEXT NOT NULL,
        run TEXT,
        -- Grows with the number.
        at INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX deliveries_by_session ON deliveries (session);
    CREATE INDEX deliveries_by_plugin ON deliveries (plugin);
    CREATE INDEX deliveries_by_age ON deliveries (at);
";

/// Jobs that meet a condition, in an order.
macro_rules! jobs {
    ($which:expr) => {
        concat!(
            "SELECT id, plugin, name, tag, session, life, kind, body, plan, due_at, run_at, created_at, status, claim, anew FROM jobs WHERE ",
            $which
        )
    };
}
pub(in crate::sqlite) const JOB: &str = jobs!("id = ?1");
/// ?1: plugin; ?2: name.
pub(in crate::sqlite) const JOB_NAMED: &str = jobs!("plugin = ?1 AND name = ?2");
pub(in crate::sqlite) const JOBS_AT_WORK: &str = jobs!("status <> 'waiting' ORDER BY run_at, id");

/// A listing along the index of a condition. 1 id, 2 session, 3 plugin, 4 tag, 5 kind: null stands for any. 6 and 7: the spot before the first; 8: how many at
/// most.
macro_rules! listing {
    ($along:literal) => {
        jobs!(concat!(
            $along,
            "(?1 IS NULL OR id = ?1) AND (?2 IS NULL OR session = ?2) AND (?3 IS NULL OR plugin = ?3) AND (?4 IS NULL OR tag = ?4)
            AND (?5 IS NULL OR kind = ?5) AND (run_at, id) > (?6, ?7) ORDER BY run_at, id LIMIT ?8"
        ))
    };
}
pub(in crate::sqlite) const JOBS: &str = listing!("");
pub(in crate::sqlite) const JOBS_WITH_ID: &str = listing!("id = ?1 AND ");
pub(in crate::sqlite) const JOBS_OF_SESSION: &str = listing!("session = ?2 AND ");
pub(in crate::sqlite) const JOBS_OF_PLUGIN: &str = listing!("plugin = ?3 AND ");

/// ?1: plugin.
pub(in crate::sqlite) const COUNT_JOBS: &str = "SELECT count(*) FROM jobs WHERE plugin = ?1";
/// ?1: plugin; ?2: now; ?3: how many at most.
pub(in crate::sqlite) const DUE_JOBS: &str =
    "SELECT run_at, id FROM jobs WHERE plugin = ?1 AND status = 'waiting' AND run_at <= ?2 ORDER BY run_at, id LIMIT ?3";
/// ?1: plugin.
pub(in crate::sqlite) const NEXT_JOB_AT: &str = "SELECT min(run_at) FROM jobs WHERE plugin = ?1 AND status = 'waiting'";
pub(in crate::sqlite) const PUT_JOB: &str = "
    INSERT INTO jobs (id, plugin, name, tag, session, life, kind, due_at, run_at, created_at, status, claim, anew, plan, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
    ON CONFLICT (id) DO UPDATE SET tag = excluded.tag, session = excluded.session, life = excluded.life, kind = excluded.kind,
        due_at = excluded.due_at, run_at = excluded.run_at, status = excluded.status, claim = excluded.claim, anew = excluded.anew,
        plan = excluded.plan, body = excluded.body";
/// ?1: id.
pub(in crate::sqlite) const MARK_JOB: &str = "UPDATE jobs SET due_at = ?2, run_at = ?3, status = ?4, claim = ?5, anew = ?6 WHERE id = ?1";
pub(in crate::sqlite) const REMOVE_JOB: &str = "DELETE FROM jobs WHERE id = ?1";
/// ?1: plugin.
pub(in crate::sqlite) const FORGET_JOBS: &str = "DELETE FROM jobs WHERE plugin = ?1";
/// ?1: session.
pub(in crate::sqlite) const CLEAR_JOBS: &str = "DELETE FROM jobs WHERE session = ?1";

/// Deliveries that meet a condition, in an order.
macro_rules! deliveries {
    ($which:expr) => {
        concat!("SELECT id, plugin, session, life, run, body, bytes, seq, at FROM deliveries WHERE ", $which)
    };
}
pub(in crate::sqlite) const DELIVERY: &str = deliveries!("id = ?1");

/// The same as a listing of jobs, the newest first. 1 session, 2 plugin: null stands for any. 3: the number after the first; 4: how many at most.
macro_rules! newest {
    ($along:literal) => {
        deliveries!(concat!($along, "(?1 IS NULL OR session = ?1) AND (?2 IS NULL OR plugin = ?2) AND seq < ?3 ORDER BY seq DESC LIMIT ?4"))
    };
}
pub(in crate::sqlite) const DELIVERIES: &str = newest!("");
pub(in crate::sqlite) const DELIVERIES_OF_SESSION: &str = newest!("session = ?1 AND ");
pub(in crate::sqlite) const DELIVERIES_OF_PLUGIN: &str = newest!("plugin = ?2 AND ");

/// ?1: the moment.
pub(in crate::sqlite) const NEWEST_DELIVERY: &str = "SELECT seq, at FROM deliveries WHERE at < ?1 ORDER BY at DESC, seq DESC LIMIT 1";
pub(in crate::sqlite) const ADD_DELIVERY: &str = "
    INSERT INTO deliveries (id, plugin, session, life, run, at, bytes, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(in crate::sqlite) const REMOVE_DELIVERY: &str = "DELETE FROM deliveries WHERE id = ?1";
/// ?1: session.
pub(in crate::sqlite) const CLEAR_DELIVERIES: &str = "DELETE FROM deliveries WHERE session = ?1";
