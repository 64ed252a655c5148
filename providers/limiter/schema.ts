/**
 * Tables of the limiter's log. `keys` holds the sums of each key's window, kept by triggers, so that a
 * decision costs the same however many calls the window holds.
 *
 * - `grants.sent_at` is null from the grant until the call is on the wire: it cannot leave the window.
 * - `leases` are the calls under way; a process that is killed stops renewing its own. Those without an owner are
 *   of what calls began and left to go on, such as videos that are being made.
 * - `pace` is how many calls at once a key's server bears, where that is fewer than configured: see Pace.
 * - `speed` is how long calls under a key take: see Speed.
 * - `refusals` are the keys whose waiting calls give up, each up to a revision.
 * - `clock` is the latest time any process has seen.
 */
export const schema = `
  CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), last_ms INTEGER NOT NULL) STRICT;
  INSERT INTO clock VALUES (1, 0) ON CONFLICT DO NOTHING;

  CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY,
    requests INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,
    images INTEGER NOT NULL DEFAULT 0,
    blocked_until INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS grants (
    permit TEXT NOT NULL,
    key TEXT NOT NULL,
    sent_at INTEGER,
    tokens INTEGER NOT NULL,
    images INTEGER NOT NULL,
    PRIMARY KEY (permit, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS grants_by_time ON grants (sent_at);
  CREATE INDEX IF NOT EXISTS grants_by_key ON grants (key, sent_at, tokens, images);

  CREATE TABLE IF NOT EXISTS leases (
    permit TEXT NOT NULL,
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (permit, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS leases_by_key ON leases (key, owner);
  CREATE INDEX IF NOT EXISTS leases_by_owner ON leases (owner);
  CREATE INDEX IF NOT EXISTS leases_by_expiry ON leases (expires_at);

  CREATE TABLE IF NOT EXISTS pace (
    key TEXT PRIMARY KEY,
    ceiling REAL NOT NULL,
    whole REAL NOT NULL,
    cut_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS speed (
    key TEXT PRIMARY KEY,
    usual REAL NOT NULL,
    made_before REAL NOT NULL,
    stage TEXT NOT NULL,
    calls INTEGER NOT NULL,
    made REAL NOT NULL,
    busy_ms REAL NOT NULL,
    call_ms REAL NOT NULL,
    changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS refusals (key TEXT PRIMARY KEY, up_to INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TRIGGER IF NOT EXISTS grant_added AFTER INSERT ON grants BEGIN
    INSERT INTO keys (key, requests, tokens, images) VALUES (new.key, 1, new.tokens, new.images)
      ON CONFLICT (key) DO UPDATE SET
        requests = requests + 1, tokens = tokens + new.tokens, images = images + new.images;
  END;
  CREATE TRIGGER IF NOT EXISTS grant_settled AFTER UPDATE OF tokens, images ON grants BEGIN
    UPDATE keys SET tokens = tokens + new.tokens - old.tokens, images = images + new.images - old.images
      WHERE key = new.key;
  END;
  CREATE TRIGGER IF NOT EXISTS grant_left AFTER DELETE ON grants BEGIN
    UPDATE keys SET requests = requests - 1, tokens = tokens - old.tokens, images = images - old.images
      WHERE key = old.key;
  END;
`;
