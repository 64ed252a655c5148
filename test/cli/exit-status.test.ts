import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmulatedGemini, Sandbox, until } from './sluice-process.ts';

/** One engine; every emulator is another Gemini that its commands pay by the same key. */
let sandbox: Sandbox;
let gemini: EmulatedGemini;
beforeAll(async () => {
  sandbox = new Sandbox();
  gemini = await EmulatedGemini.start(
    sandbox,
    'gemini',
    '--faults',
    JSON.stringify({
      rules: [
        { prompt: 'weak', fault: 'safety', times: 1 },
        { prompt: 'never', fault: 'prompt_blocked' },
      ],
    }),
  );
});
afterAll(async () => {
  await gemini.stop();
  await sandbox.dispose();
});

function run(...args: string[]) {
  return sandbox.json(['batch', 'run', ...args, '--json'], { env: gemini.env });
}

async function statusOf(id: string): Promise<Record<string, unknown>> {
  return (await sandbox.json(['batch', 'status', id, '--json'], { env: gemini.env })).json;
}

describe('3, finished with failures', () => {
  const weak = (n: number): string => (n === 2 ? 'weak' : n === 3 ? 'weak as well' : `prompt ${String(n)}`);

  test('names the failed items, and --resume makes only what is missing', async () => {
    const first = await run(sandbox.prompts('weak.csv', 5, weak), '-o', 'weak');
    expect(first.status).toBe(3);
    expect(first.json).toMatchObject({ status: 'failed', total: 5, succeeded: 4, failed: 1, skipped: 0 });
    expect(first.stderr).toMatch(/failed: item-[23]: CONTENT_BLOCKED: /);
    const called = gemini.prompts().length;
    expect(called).toBe(5);

    const second = await run('weak.csv', '-o', 'weak', '--resume');
    expect(second.status).toBe(0);
    expect(second.json).toMatchObject({ status: 'succeeded', total: 5, succeeded: 1, failed: 0, skipped: 4 });
    expect(gemini.prompts().slice(called)).toHaveLength(1);
    expect(second.stderr).not.toContain('failed:');
    expect(await statusOf(String(first.json['batch_id']))).toMatchObject({
      total: 5,
      succeeded: 1,
      skipped: 4,
      failed: 0,
    });
    expect(readdirSync(sandbox.path('weak', 'images'))).toHaveLength(5);
  });

  test('retry runs the failed items again and follows them', async () => {
    const input = sandbox.prompts('never.csv', 3, (n) => (n === 1 ? 'never' : `more ${String(n)}`));
    const first = await run(input, '-o', 'never');
    expect(first.status).toBe(3);
    const id = String(first.json['batch_id']);
    const called = gemini.prompts().length;
    const none = await sandbox.sluice(['batch', 'retry', id, '--code', 'TIMEOUT', '--wait'], { env: gemini.env });
    expect(none.status).toBe(3);
    expect(gemini.prompts()).toHaveLength(called);
    const again = await sandbox.json(['batch', 'retry', id, '--wait', '--json'], { env: gemini.env });
    expect(again.status).toBe(3);
    expect(again.json).toMatchObject({ batch_id: id, total: 3, succeeded: 2, failed: 1, skipped: 0 });
    expect(gemini.prompts().slice(called)).toEqual(['never']);
    const jobs = await sandbox.sluice(['batch', 'jobs', id, '--status', 'failed'], { env: gemini.env });
    expect(jobs.stdout).toMatch(/^item-1 {2}failed .*CONTENT_BLOCKED: .*\n$/);
  });
});

describe('4, paused', () => {
  test('by the budget, with reason and way on; resume with a larger one finishes it', async () => {
    const { status, json } = await run(sandbox.prompts('budget.csv', 3), '-o', 'budget', '--budget', '0.05');
    expect(status).toBe(4);
    expect(json).toMatchObject({ status: 'paused', succeeded: 1, pending: 2 });
    expect(json['paused_reason']).toMatch(/^Budget reached/);
    const id = String(json['batch_id']);
    const again = await sandbox.sluice(['batch', 'run', 'budget.csv', '-o', 'budget'], { env: gemini.env });
    expect(again.status).toBe(4);
    expect(again.stdout).toContain(`Go on with: sluice batch resume ${id}`);
    expect((await sandbox.sluice(['batch', 'report', id], { env: gemini.env })).stderr).toContain('has no report yet');
    const resumed = await sandbox.sluice(['batch', 'resume', id, '--budget', 'none'], { env: gemini.env });
    expect(resumed).toMatchObject({ status: 0, stderr: '' });
    const watched = await sandbox.json(['batch', 'watch', id, '--json'], { env: gemini.env });
    expect(watched.status).toBe(0);
    expect(watched.json).toMatchObject({ status: 'succeeded', total: 3, succeeded: 3 });
  });

  test('by a wrong key: one clear line, nothing lost', async () => {
    const locked = await EmulatedGemini.start(sandbox, 'locked', '--faults', 'bad_key=1');
    const input = sandbox.prompts('key.csv', 4);
    const { status, stdout, stderr } = await sandbox.sluice(['batch', 'run', input, '-o', 'key'], { env: locked.env });
    await locked.stop();
    expect(status).toBe(4);
    expect(stderr).not.toContain('failed:');
    expect(stderr).not.toMatch(/^\s+at /m);
    const id = /batch resume (\S+)/.exec(stdout)?.[1] ?? '';
    expect(stdout).toMatch(/^Paused: .*key.*\n {2}Check the API key/im);
    expect(await statusOf(id)).toMatchObject({ failed: 0, pending: 4 });
    // `statusOf` has given the engine the key that works.
    expect((await sandbox.sluice(['batch', 'resume', id], { env: gemini.env })).status).toBe(0);
    const watched = await sandbox.json(['batch', 'watch', id, '--json'], { env: gemini.env });
    expect(watched.json).toMatchObject({ status: 'succeeded', succeeded: 4 });
  });
});

test('5, cancelled from another command while run follows; --resume does the rest', async () => {
  const input = sandbox.prompts('cancel.csv', 6);
  const args = ['batch', 'run', input, '-o', 'cancel', '--rate-limit', '1', '--json'];
  const running = sandbox.start(args, { env: gemini.env });
  let id = '';
  await until('the batch runs', () => (id = /Batch (batch_\w+): 6 items/.exec(running.stderr())?.[1] ?? '') !== '');
  await until('one image is made', async () => Number((await statusOf(id))['succeeded']) === 1);
  const cancelled = await sandbox.sluice(['batch', 'cancel', id], { env: gemini.env });
  expect(cancelled.status).toBe(0);
  const { status, stdout } = await running.done;
  expect(status).toBe(5);
  expect(JSON.parse(stdout)).toMatchObject({ batch_id: id, status: 'cancelled', total: 6, succeeded: 1, cancelled: 5 });
  expect(JSON.parse(readFileSync(sandbox.path('cancel', 'batch_info.json'), 'utf8'))).toMatchObject({
    summary: { status: 'cancelled' },
  });

  const resumed = await run('cancel.csv', '-o', 'cancel', '--resume', '--rate-limit', 'none');
  expect(resumed.status).toBe(0);
  expect(resumed.json).toMatchObject({ batch_id: id, total: 6, skipped: 1, succeeded: 5, cancelled: 0 });
});

test('1 and no stack for a key that is gone', async () => {
  // The engine forgets keys when it stops.
  await sandbox.sluice(['down']);
  const { status, stdout, stderr } = await sandbox.sluice(['batch', 'run', 'weak.csv', '-o', 'weak', '--resume']);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('there is no GEMINI_API_KEY now. (AUTH)\n  Set GEMINI_API_KEY and run again.\n');
});
