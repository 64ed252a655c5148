import { join } from 'node:path';
import { createResultCache, type CacheStats, type ResultCache } from '../storage/result-cache.ts';
import type { Config } from './config.ts';

export type { CacheStats };

const defaultMaxGb = 10;

/** The results a home keeps for its batches, in `$SLUICE_HOME/cache`. */
export function openResultCache(home: string, { max_gb: maxGb }: Config['cache']): ResultCache {
  return createResultCache(join(home, 'cache'), (maxGb ?? defaultMaxGb) * 1e9);
}
