-- A file as version 3 left it, with a row, a document and an event. Never changes: whatever comes after must be able to open it.
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

-- Tells each write of a row from every other.
ALTER TABLE keyed ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;

INSERT INTO keyed VALUES ('tester', 'rows', 'k', '1', 1000, NULL, 7);
INSERT INTO documents (kind, name, body) VALUES ('grant', 'a', '{}');
INSERT INTO history (at, who, what) VALUES (1000, 'operator', 'install');
PRAGMA user_version = 3;
