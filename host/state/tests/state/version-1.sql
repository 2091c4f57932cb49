-- A file as version 1 left it, with one row. Never changes: whatever comes after must be able to open it.
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

INSERT INTO keyed VALUES ('tester', 'rows', 'k', '1', 1000, NULL);
PRAGMA user_version = 1;
