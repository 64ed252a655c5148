/** How much one project, and one batch of it, have had of what they share with others. */
export interface Share {
  pool: Pool;
  project: Account;
  batch: Account;
}

/** Virtual time: grows with what was had. Who has the least goes next. */
interface Account {
  name: string;
  had: number;
  /** Lanes that wait under it. */
  waiting: number;
}

interface Level {
  accounts: Map<string, Account>;
  /** What the one that was served last had had until then: newcomers start here, without credit for their absence. */
  floor: number;
}

interface Pool extends Level {
  batches: Map<string, Level>;
}

/** Accounts of projects and batches that are long gone are dropped at this many. */
const tidyAt = 256;

/**
 * Start-time fair queueing over two levels: projects share a pool (a model's limits, at one priority) evenly
 * while they have calls that wait, and the batches of a project share what it gets. One that comes late, or
 * had nothing to do, starts level with the others.
 *
 * @see https://doi.org/10.1109/90.649569
 */
export class FairShares {
  private readonly pools = new Map<string, Pool>();

  /** To be called when calls begin to wait, and `leave` when none does any more. */
  enter(poolName: string, project: string, batch: string): Share {
    const pool = this.pools.get(poolName) ?? { ...newLevel(), batches: new Map<string, Level>() };
    this.pools.set(poolName, pool);
    const level = pool.batches.get(project) ?? newLevel();
    pool.batches.set(project, level);
    return { pool, project: enterLevel(pool, project), batch: enterLevel(level, batch) };
  }

  leave({ pool, project, batch }: Share): void {
    project.waiting -= 1;
    batch.waiting -= 1;
    if (pool.accounts.size + pool.batches.size > tidyAt) tidyPool(pool);
    const level = pool.batches.get(project.name);
    if (level !== undefined && level.accounts.size > tidyAt) tidyLevel(level);
  }
}

/** Negative: `a` goes before `b`. */
export function compareShares(a: Share, b: Share): number {
  if (a.pool !== b.pool) return 0;
  return a.project.had - b.project.had || (a.project === b.project ? a.batch.had - b.batch.had : 0);
}

/** A call was let through that takes this part of what is shared. */
export function charge({ pool, project, batch }: Share, amount: number): void {
  pool.floor = Math.max(pool.floor, project.had);
  project.had += amount;
  const level = pool.batches.get(project.name);
  if (level !== undefined) level.floor = Math.max(level.floor, batch.had);
  batch.had += amount;
}

/** A call took another part than it was charged for. */
export function correct({ project, batch }: Share, amount: number): void {
  project.had += amount;
  batch.had += amount;
}

/** A limit of its own holds the batch up: what it leaves to others meanwhile is not owed to it. */
export function forgo({ pool, project, batch }: Share): void {
  project.had = Math.max(project.had, pool.floor);
  batch.had = Math.max(batch.had, pool.batches.get(project.name)?.floor ?? 0);
}

function newLevel(): Level {
  return { accounts: new Map(), floor: 0 };
}

function enterLevel({ accounts, floor }: Level, name: string): Account {
  const account = accounts.get(name) ?? { name, had: floor, waiting: 0 };
  if (account.waiting === 0) account.had = Math.max(account.had, floor);
  account.waiting += 1;
  accounts.set(name, account);
  return account;
}

function tidyPool(pool: Pool): void {
  tidyLevel(pool);
  for (const name of pool.batches.keys()) if (!pool.accounts.has(name)) pool.batches.delete(name);
}

/** Who waits for nothing and is not ahead of the others starts anew without loss. */
function tidyLevel({ accounts, floor }: Level): void {
  for (const [name, { waiting, had }] of accounts) if (waiting === 0 && had <= floor) accounts.delete(name);
}
