/** A worker of the tests: once told to, makes calls under a shared limit and prints when each held its place. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { createLimiter } from '../../../providers/limiter/limiter.ts';

const input = z
  .object({
    path: z.string(),
    key: z.object({ key: z.string(), requestsPerMinute: z.number(), concurrency: z.number() }),
    /** null: the call is never sent nor released. */
    holdMs: z.number().nullable(),
    calls: z.number(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

const limiter = createLimiter({ path: input.path });
process.send?.('ready');
await once(process, 'message');
const { signal } = new AbortController();
await Promise.all(Array.from({ length: input.calls }, call));

async function call(): Promise<void> {
  const permit = await limiter.acquire([input.key], { tokens: 0, images: 1 }, signal);
  const from = process.hrtime.bigint();
  if (input.holdMs !== null) {
    permit.sent();
    await delay(input.holdMs);
  }
  console.log(`${String(from)} ${String(process.hrtime.bigint())}`);
  if (input.holdMs !== null) permit.release();
}
