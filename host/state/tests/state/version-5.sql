-- A file as version 5 left it, with a row, a document, an event, and a conversation with something of everything. Never changes: whatever comes after must be able to open it.
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

INSERT INTO keyed VALUES ('tester', 'rows', 'k', '1', 1000, NULL, 7);
INSERT INTO documents (kind, name, body) VALUES ('grant', 'a', '{}');
INSERT INTO history (at, who, what) VALUES (1000, 'operator', 'install');
INSERT INTO sessions VALUES ('main', 'l2', 1000, 1000, 1000, 1, 2, 1);
INSERT INTO lives VALUES ('main', 'l1', 0, 1);
INSERT INTO entries (session, id, at, role, content) VALUES ('main', 1, 1000, 'user', '"a"'), ('main', 2, 1000, 'user', '"b"'), ('main', 3, 1000, 'user', '"c"');
INSERT INTO runs VALUES ('r', 'main', 1, 'l2', 'user', 'running', 1000, NULL, NULL, '{}');
INSERT INTO injections VALUES (1, 'main', 'p', 'i', NULL, 1000, NULL, 'pending', NULL, 0, 0, 'text of i', NULL);
INSERT INTO session_state VALUES ('main', 'p', 'n', '2', '1');
INSERT INTO met VALUES ('p', 'main');
INSERT INTO questions VALUES ('q', 'p', 'main', 'r', 1, '{}');
INSERT INTO cursors VALUES ('main', 'e', 1, 'r');
INSERT INTO compactions VALUES ('main', 1, 1000, 9, 3, 'short');
INSERT INTO subagents VALUES ('p', 'a', 'p/a', 'main', 1, 1000, 1, 'e', 't');
PRAGMA user_version = 5;
