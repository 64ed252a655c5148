import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { renderPace } from '../../cli/render/overview.ts';
import { modelLoads } from '../../client/model-loads.ts';
import { createLimiter } from '../../providers/limiter/limiter.ts';

test('how models stand at their limits is told while a worker uses them', async () => {
  const home = mkdtempSync(join(tmpdir(), 'sluice-loads-'));
  onTestFinished(() => {
    rmSync(home, { recursive: true, force: true });
  });
  expect(modelLoads(home)).toEqual([]);
  const limiter = createLimiter({ path: join(home, 'limits.sqlite') });
  onTestFinished(() => {
    limiter.close();
  });
  const key = { key: 'model:live:openai/gpt', concurrency: 8, adaptive: true };
  const take = () =>
    limiter.acquire([key, { key: 'batch:b' }], { tokens: 10, images: 0 }, new AbortController().signal);
  const [first, ...others] = await Promise.all([take(), take(), take(), take()]);
  first.sent();
  first.release('overloaded');
  limiter.slowDown(key.key, 60_000);
  const [load, ...more] = modelLoads(home);
  expect(more).toEqual([]);
  expect(load).toMatchObject({
    model: 'openai/gpt',
    mode: 'live',
    in_flight: 3,
    slowed_to: 2,
    requests: 4,
    tokens: 40,
  });
  expect(load === undefined ? '' : renderPace(load)).toMatch(/^slowed to 2 at once by its vendor, rests \d/);
  for (const permit of others) permit.release();
});
