//! Every statement of the keyed store and of the ledger, and the schema, in one place; those of conversations stand in [`sessions`] and
//! [`context`], those of jobs and deliveries in [`work`].
//!
//! `keyed_usage` counts rows and bytes per namespace, expired rows included; triggers keep it right whoever writes. The two partial indexes hold rows
//! with an expiry only: one serves a namespace, one the sweep over all. Unless a statement says otherwise, parameters are 1 owner, 2 namespace, 3
//! key, 4 now, 5 limit.

pub(super) mod context;
pub(super) mod sessions;
pub(super) mod work;

/// What takes the schema from each version to the next; the first makes version 1 of nothing.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('identity', lower(hex(randomblob(16))));

    CREATE TABLE keyed (
        owner TEXT NOT NULL,
        namespace TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (owner, namespace, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keyed_by_age ON keyed (owner, namespace, created_at, key);
    CREATE INDEX keyed_by_expiry ON keyed (owner, namespace, expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX keyed_to_sweep ON keyed (expires_at) WHERE expires_at IS NOT NULL;

    CREATE TABLE keyed_usage (
        owner TEXT NOT NULL,
        namespace TEXT NOT NULL,
        rows INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (owner, namespace)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER keyed_inserted AFTER INSERT ON keyed BEGIN
        INSERT INTO keyed_usage VALUES (new.owner, new.namespace, 1, octet_length(new.value))
        ON CONFLICT DO UPDATE SET rows = rows + 1, bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER keyed_updated AFTER UPDATE OF value ON keyed WHEN octet_length(new.value) <> octet_length(old.value) BEGIN
        UPDATE keyed_usage SET bytes = bytes + octet_length(new.value) - octet_length(old.value)
        WHERE owner = new.owner AND namespace = new.namespace;
    END;
    CREATE TRIGGER keyed_deleted AFTER DELETE ON keyed BEGIN
        UPDATE keyed_usage SET rows = rows - 1, bytes = bytes - octet_length(old.value)
        WHERE owner = old.owner AND namespace = old.namespace;
        DELETE FROM keyed_usage WHERE owner = old.owner AND namespace = old.namespace AND rows = 0;
    END;
",
    "
    CREATE TABLE documents (
        revision INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (kind, name)
    ) STRICT;

    CREATE TABLE history (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        who TEXT NOT NULL,
        what TEXT NOT NULL,
        plugin TEXT,
        from_digest TEXT,
        to_digest TEXT,
        why TEXT,
        details TEXT
    ) STRICT;
    CREATE INDEX history_by_plugin ON history (plugin) WHERE plugin IS NOT NULL;
    CREATE TRIGGER history_is_not_changed BEFORE UPDATE ON history BEGIN
        SELECT raise(ABORT, 'the history only grows: its rows are not changed');
    END;
    CREATE TRIGGER history_is_not_deleted BEFORE DELETE ON history BEGIN
        SELECT raise(ABORT, 'the history only grows: its rows are not deleted');
    END;
    -- REPLACE fires no trigger of deletion.
    CREATE TRIGGER history_is_not_replaced BEFORE INSERT ON history WHEN EXISTS (SELECT 1 FROM history WHERE seq = new.seq) BEGIN
        SELECT raise(ABORT, 'the history only grows: its rows are not replaced');
    END;
",
    "
    -- Tells each write of a row from every other.
    ALTER TABLE keyed ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
",
    sessions::TABLES,
    context::TABLES,
    work::TABLES,
];

pub(super) const IDENTITY: &str = "SELECT value FROM meta WHERE name = 'identity'";

pub(super) const GET: &str = "SELECT value, created_at, expires_at, mark FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key = ?3";

pub(super) const VALUE: &str = "SELECT value, expires_at FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key = ?3";

pub(super) const SURVEY: &str = "
    SELECT
        (SELECT max(created_at) FROM keyed WHERE owner = ?1 AND namespace = ?2),
        EXISTS (SELECT 1 FROM keyed WHERE owner = ?1 AND namespace = ?2 AND expires_at <= ?4),
        used.here, used.rows, used.bytes, octet_length(keyed.value), keyed.expires_at
    FROM (
        SELECT coalesce(sum(rows) FILTER (WHERE namespace = ?2), 0) AS here, coalesce(sum(rows), 0) AS rows, coalesce(sum(bytes), 0) AS bytes
        FROM keyed_usage WHERE owner = ?1
    ) AS used LEFT JOIN keyed ON keyed.owner = ?1 AND keyed.namespace = ?2 AND keyed.key = ?3";

/// ?3: now.
pub(super) const LIVE: &str = "
    SELECT coalesce((SELECT rows FROM keyed_usage WHERE owner = ?1 AND namespace = ?2), 0)
        - (SELECT count(*) FROM keyed WHERE owner = ?1 AND namespace = ?2 AND expires_at <= ?3)";

/// ?3: now.
pub(super) const HAS_EXPIRED: &str = "SELECT EXISTS (SELECT 1 FROM keyed WHERE owner = ?1 AND namespace = ?2 AND expires_at <= ?3)";

/// ?2: now.
pub(super) const EXPIRED_OF: &str =
    "SELECT count(*), coalesce(sum(octet_length(value)), 0) FROM keyed WHERE owner = ?1 AND expires_at <= ?2";

pub(super) const OLDEST_BYTES: &str = "
    SELECT coalesce(sum(bytes), 0) FROM (
        SELECT octet_length(value) AS bytes FROM keyed
        WHERE owner = ?1 AND namespace = ?2 AND key <> ?3 AND (expires_at IS NULL OR expires_at > ?4)
        ORDER BY created_at, key LIMIT ?5
    )";

pub(super) const EVICT: &str = "
    DELETE FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key IN (
        SELECT key FROM keyed
        WHERE owner = ?1 AND namespace = ?2 AND key <> ?3 AND (expires_at IS NULL OR expires_at > ?4)
        ORDER BY created_at, key LIMIT ?5
    )";

pub(super) const PUT: &str = "
    INSERT INTO keyed (owner, namespace, key, value, created_at, expires_at, mark) VALUES (?1, ?2, ?3, ?4, ?5, ?6, random())
    ON CONFLICT DO UPDATE
    SET value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at, mark = excluded.mark";

pub(super) const REMOVE: &str = "DELETE FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key = ?3";

pub(super) const CLEAR: &str = "DELETE FROM keyed WHERE owner = ?1 AND namespace = ?2";

pub(super) const PURGE: &str = "DELETE FROM keyed WHERE owner = ?1";

/// ?3: how many at most.
pub(super) const EXPIRE: &str = "
    DELETE FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key IN (
        SELECT key FROM keyed WHERE owner = ?1 AND namespace = ?2 AND expires_at <= ?4 ORDER BY expires_at, key LIMIT ?3
    )";

/// ?1: now; ?2: how many at most.
pub(super) const SWEEP: &str = "
    DELETE FROM keyed WHERE (owner, namespace, key) IN (
        SELECT owner, namespace, key FROM keyed WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2
    )";

pub(super) const SCAN_OLDEST: &str = "
    SELECT key, value, created_at, expires_at FROM keyed
    WHERE owner = ?1 AND namespace = ?2 AND (expires_at IS NULL OR expires_at > ?3) ORDER BY created_at, key";

/// A scan by key; the end of the range and the order are part of the statement, so that the index bounds it. ?3 now, ?4 start, ?5 limit, ?6 end.
macro_rules! scan_keys {
    ($end:literal, $order:literal) => {
        concat!(
            "SELECT key, value, created_at, expires_at FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key >= ?4",
            $end,
            " AND (expires_at IS NULL OR expires_at > ?3) ORDER BY key ",
            $order,
            " LIMIT ?5"
        )
    };
}
pub(super) const SCAN_UP: &str = scan_keys!("", "ASC");
pub(super) const SCAN_DOWN: &str = scan_keys!("", "DESC");
pub(super) const SCAN_UP_TO_END: &str = scan_keys!(" AND key < ?6", "ASC");
pub(super) const SCAN_DOWN_FROM_END: &str = scan_keys!(" AND key < ?6", "DESC");

/// ?1: now.
pub(super) const USAGE: &str = "
    SELECT used.owner, used.namespace, used.rows, used.bytes, count(gone.key), coalesce(sum(octet_length(gone.value)), 0)
    FROM keyed_usage AS used
    LEFT JOIN keyed AS gone ON gone.owner = used.owner AND gone.namespace = used.namespace AND gone.expires_at <= ?1
    GROUP BY used.owner, used.namespace ORDER BY used.owner, used.namespace";

/// ?1 to ?3: the row before the first; ?4: now; ?5: how many at most.
pub(super) const EXPORT: &str = "
    SELECT key, value, created_at, expires_at, mark, owner, namespace FROM keyed
    WHERE (owner, namespace, key) > (?1, ?2, ?3) AND (expires_at IS NULL OR expires_at > ?4)
    ORDER BY owner, namespace, key LIMIT ?5";

/// Of documents: 1 kind, 2 name, 3 body.
pub(super) const REVISION: &str = "SELECT revision FROM documents WHERE kind = ?1 AND name = ?2";
pub(super) const DOCUMENT: &str = "SELECT kind, name, body, revision FROM documents WHERE kind = ?1 AND name = ?2";
pub(super) const DOCUMENTS: &str = "SELECT kind, name, body, revision FROM documents WHERE kind = ?1 ORDER BY name";
pub(super) const PUT_DOCUMENT: &str = "REPLACE INTO documents (kind, name, body) VALUES (?1, ?2, ?3)";
pub(super) const REMOVE_DOCUMENT: &str = "DELETE FROM documents WHERE kind = ?1 AND name = ?2";

pub(super) const LAST_EVENT_AT: &str = "SELECT at FROM history ORDER BY seq DESC LIMIT 1";

pub(super) const ADD_EVENT: &str = "
    INSERT INTO history (at, who, what, plugin, from_digest, to_digest, why, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Events by number; the order is part of the statement. ?1 after, ?2 before, ?3 how many at most, ?4 plugin.
macro_rules! events {
    ($plugin:literal, $order:literal) => {
        concat!(
            "SELECT seq, at, who, what, plugin, from_digest, to_digest, why, details FROM history WHERE seq > ?1 AND seq < ?2",
            $plugin,
            " ORDER BY seq ",
            $order,
            " LIMIT ?3"
        )
    };
}
pub(super) const EVENTS_UP: &str = events!("", "ASC");
pub(super) const EVENTS_DOWN: &str = events!("", "DESC");
pub(super) const EVENTS_UP_OF_PLUGIN: &str = events!(" AND plugin = ?4", "ASC");
pub(super) const EVENTS_DOWN_OF_PLUGIN: &str = events!(" AND plugin = ?4", "DESC");
