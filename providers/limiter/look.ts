import { machineClock } from './clock.ts';
import { GrantLog } from './grant-log.ts';
import type { KeyUsage } from './limiter.ts';

/** What of a key is taken, over all processes. */
export interface KeyLoad extends KeyUsage {
  key: string;
}

/** What a limiter's log says of all keys, for who only looks. Throws STORAGE_*. */
export function lookAtLimits(path: string): KeyLoad[] {
  const log = new GrantLog(path, () => machineClock.now());
  try {
    return log.transaction((now) =>
      log.keys().map((key) => {
        const { foreign: _, blockedUntil, ...usage } = log.state(key);
        return { key, ...usage, blockedForMs: Math.max(0, blockedUntil - now) };
      }),
    );
  } finally {
    log.close();
  }
}
