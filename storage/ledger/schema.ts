/**
 * Tables of the ledger. Money is in whole millionths of a dollar, because sums of fractions drift.
 *
 * - `calls`: one row a call from its reservation on. `reserved`: under way, `micro_usd` is expected.
 *   `settled`: its cost stands in `spend`; the row stays for an hour, so that telling it twice changes nothing.
 *   `presumed`: its worker died; what was expected stands in `spend` until somebody knows better.
 * - `spend`: what was spent, the only place where that is kept.
 * - `batch_budgets`: what a batch may cost, the newest value any of its items was told; null: no limit.
 * - `settings`: JSON by name.
 */
export const schema = `
  CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY,
    mode TEXT NOT NULL,
    project TEXT NOT NULL,
    batch TEXT NOT NULL,
    model TEXT NOT NULL,
    day TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'presumed')),
    micro_usd INTEGER NOT NULL,
    owner TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS calls_by_age ON calls (state, at_ms);
  CREATE INDEX IF NOT EXISTS calls_by_owner ON calls (owner) WHERE state = 'reserved';

  CREATE TABLE IF NOT EXISTS spend (
    mode TEXT NOT NULL,
    project TEXT NOT NULL,
    day TEXT NOT NULL,
    batch TEXT NOT NULL,
    model TEXT NOT NULL,
    calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    images INTEGER NOT NULL,
    micro_usd INTEGER NOT NULL,
    presumed_micro_usd INTEGER NOT NULL,
    PRIMARY KEY (mode, project, day, batch, model)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS spend_by_day ON spend (mode, day, micro_usd);
  CREATE INDEX IF NOT EXISTS spend_by_batch ON spend (batch);

  CREATE TABLE IF NOT EXISTS batch_budgets (
    batch TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    micro_usd INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
