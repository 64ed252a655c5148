import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lookAtLimits, type KeyLoad } from '../providers/limiter/look.ts';

/** How a model stands at its limits. Snake case because commands print it. */
export interface ModelLoad {
  /** Vendor and key of models.yaml, e.g. `gemini/gemini-2.5-flash-image`. */
  model: string;
  mode: 'live' | 'emulated';
  /** Calls under way. */
  in_flight: number;
  /** Calls at once that its vendor bears now, where that is fewer than configured; null: as configured. */
  slowed_to: number | null;
  /** Left of a rest its vendor asked for, milliseconds. */
  resting_ms: number;
  /** In the last 60 seconds. */
  requests: number;
  tokens: number;
  images: number;
}

/** Models that are in use, or were in the last minute, by the log that all workers of a home share. */
export function modelLoads(home: string): ModelLoad[] {
  const path = join(home, 'limits.sqlite');
  if (!existsSync(path)) return [];
  return lookAtLimits(path).flatMap((load) => asModel(load));
}

function asModel({ key, inFlight, ceiling, blockedForMs, requests, tokens, images }: KeyLoad): ModelLoad[] {
  const [, mode, model] = /^model:(live|emulated):(.+)$/.exec(key) ?? [];
  if (model === undefined) return [];
  return [
    {
      model,
      mode: mode === 'live' ? 'live' : 'emulated',
      in_flight: inFlight,
      slowed_to: ceiling,
      resting_ms: blockedForMs,
      requests,
      tokens,
      images,
    },
  ];
}
