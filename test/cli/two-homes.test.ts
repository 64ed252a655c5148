import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Sandbox } from './sluice-process.ts';

/** Its engine runs a batch; the engine of another home is told to work in the same directory. */
let sandbox: Sandbox;
let other: { env: { SLUICE_HOME: string } };
let command: string[];
let id: string;

const infoSchema = z.looseObject({ engine: z.object({ host: z.string(), home: z.string() }) });

function readInfo(): z.output<typeof infoSchema> {
  return infoSchema.parse(JSON.parse(readFileSync(sandbox.path('shared', 'batch_info.json'), 'utf8')));
}

beforeEach(async () => {
  sandbox = new Sandbox();
  other = { env: { SLUICE_HOME: `${sandbox.home} too` } };
  command = ['batch', 'create', sandbox.prompts('in.csv', 3), '-o', 'shared', '--json'];
  // One item is made at once, the next a minute later: the batch runs for as long as the test does.
  const created = await sandbox.json([...command, '--rate-limit', '1']);
  id = String(created.json['batch_id']);
});
afterEach(async () => {
  await sandbox.sluice(['down'], other);
  await sandbox.dispose();
});

test('a batch that another home may be running is refused, its engine named, and nothing in its directory changes', async () => {
  const before = readInfo();
  expect(before.engine).toEqual({ host: hostname(), home: sandbox.home });
  for (const flags of [[], ['--resume'], ['--no-resume']]) {
    const refused = await sandbox.json([...command, ...flags], other);
    expect(refused.status).toBe(2);
    expect(refused.json).toMatchObject({
      error: {
        code: 'OUTPUT_IN_USE',
        message: `${sandbox.path('shared')} holds batch ${id}, which may be running in the engine of ${sandbox.home}.`,
        action: expect.stringContaining(`SLUICE_HOME='${sandbox.home}' sluice batch watch ${id}`),
      },
    });
  }
  expect(readInfo()).toEqual(before);
});

test('of two homes that submit to a fresh directory at once, one starts its batch and the other is refused', async () => {
  const fresh = [...command.slice(0, 3), '-o', 'fresh', '--rate-limit', '1', '--json'];
  await sandbox.sluice(['up', '--detach'], other);
  const both = await Promise.all([sandbox.json(fresh), sandbox.json(fresh, other)]);
  expect(both.map(({ status }) => status).sort()).toEqual([0, 2]);
  expect(both.find(({ status }) => status === 2)?.json).toMatchObject({ error: { code: 'OUTPUT_IN_USE' } });
});

test('a batch of an engine that is stopped is gone on with by --resume only, even after its home is gone', async () => {
  await sandbox.sluice(['down']);
  const refused = await sandbox.json(command, other);
  expect(refused.status).toBe(2);
  expect(refused.json).toMatchObject({
    error: { code: 'OUTPUT_EXISTS', message: expect.stringContaining(`of ${sandbox.home}, which does not run`) },
  });

  rmSync(sandbox.home, { recursive: true });
  expect((await sandbox.json([...command, '--resume'], other)).json).toMatchObject({ batch_id: id });
  expect(readInfo().engine.home).toBe(other.env.SLUICE_HOME);
  expect(await sandbox.sluice(['batch', 'watch', id], other)).toMatchObject({ status: 0 });
});

test('a batch of an engine on another machine is gone on with once its mark is gone, which older versions did not write', async () => {
  await sandbox.sluice(['down']);
  const { engine, ...info } = readInfo();
  const write = (value: object): void => {
    writeFileSync(sandbox.path('shared', 'batch_info.json'), JSON.stringify(value));
  };
  write({ ...info, engine: { ...engine, host: 'elsewhere' } });
  const refused = await sandbox.json([...command, '--resume'], other);
  expect(refused.status).toBe(2);
  expect(refused.json).toMatchObject({
    error: {
      code: 'OUTPUT_IN_USE',
      message: expect.stringContaining(`in ${engine.home} on elsewhere.`),
      action: expect.stringContaining('take "engine" out of batch_info.json'),
    },
  });

  write(info);
  expect((await sandbox.json([...command, '--resume'], other)).json).toMatchObject({ batch_id: id });
});
