import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ledger } from '../../storage/ledger/ledger.ts';
import { Sandbox } from './sluice-process.ts';

/** Nothing here needs an engine. */
let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
  mkdirSync(sandbox.home);
});
afterAll(() => sandbox.dispose());

test('costs show what calls of an engine spent, as a table and as JSON, by what is asked', async () => {
  expect((await sandbox.sluice(['costs'])).stdout).toContain('Nothing was spent.');
  const ledger = new Ledger({
    path: join(sandbox.home, 'ledger.sqlite'),
    now: () => Date.parse('2026-11-25T12:00:00Z'),
  });
  const account = { mode: 'live', project: 'novel', batch: 'b1', model: 'writer' } as const;
  const verdict = ledger.reserve('call', account, 0.5);
  const usage = { inputTokens: 1_200, outputTokens: 3_400, images: 0 };
  if (verdict.verdict === 'go') verdict.reservation.settle({ costUsd: 0.25, usage });
  ledger.close();

  const { status, stdout } = await sandbox.sluice(['costs', '--by', 'model']);
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^MODEL +CALLS +IMAGES +INPUT TOKENS +OUTPUT TOKENS +COST\nwriter +1 +0 +1,200 +3,400 +\$0\.25\ntotal/,
  );
  const json = await sandbox.sluice(['costs', '--since', '2026-11-25', '--until', '2026-11-25', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    by: 'day',
    rows: [{ key: '2026-11-25', mode: 'live', calls: 1, cost_usd: 0.25 }],
    total: { cost_usd: 0.25 },
  });
  const wrong = await sandbox.sluice(['costs', '--since', 'yesterday']);
  expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('since: must be a day') });
});

test('budgets come from the configuration, and are changed by a command until that changes', async () => {
  writeFileSync(join(sandbox.home, 'config.yaml'), 'budgets: { day_usd: 5 }\n');
  const limits = async (args: string[]) => {
    const { stdout } = await sandbox.sluice(['budget', ...args, '--json']);
    const { live } = JSON.parse(stdout) as { live: { project: string | null; period: string; limitUsd: number }[] };
    return live.map(({ project, period, limitUsd }) => [project, period, limitUsd]);
  };
  expect(await limits(['show'])).toEqual([[null, 'day', 5]]);
  expect(await limits(['set', '--project', 'novel', '--total', '100'])).toEqual([
    [null, 'day', 5],
    ['novel', 'total', 100],
  ]);
  expect(await limits(['set', '--day', 'none'])).toEqual([['novel', 'total', 100]]);
  expect((await sandbox.sluice(['budget'])).stdout).toMatch(
    /Budget of project novel +\$100\.00 +\$0\.25 +\$0\.00 +\$99\.75/,
  );
  writeFileSync(join(sandbox.home, 'config.yaml'), 'budgets: { day_usd: 6 }\n');
  expect(await limits([])).toEqual([[null, 'day', 6]]);
  expect(await sandbox.sluice(['budget', 'set', '--total', '5'])).toMatchObject({ status: 2 });
  expect(await sandbox.sluice(['budget', 'set', '--day', '-1'])).toMatchObject({ status: 2 });
});
