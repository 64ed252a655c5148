import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditBatch, CallAccount } from './audit.ts';
import { reportOf, Sandbox } from './sandbox.ts';

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await Sandbox.create({ latencyMs: 1_500 });
});
afterEach(() => sandbox.close());

function idIn(output: string): string {
  return (JSON.parse(readFileSync(`${output}/batch_info.json`, 'utf8')) as { batch_id: string }).batch_id;
}

test('of two commands given at once with the same input and directory one starts the batch, the other follows it', async () => {
  await sandbox.run('up', '--detach');
  const output = sandbox.path('twice');
  const command = ['batch', 'run', sandbox.input('twice', 6), '-o', output, '--json'];
  const account = new CallAccount(sandbox, 'twice', output);
  const both = await Promise.all([sandbox.run(...command), sandbox.run(...command), sandbox.run(...command)]);
  expect(both.map(({ status }) => status)).toEqual([0, 0, 0]);
  const reports = both.map(reportOf);
  expect(new Set(reports.map(({ batch_id }) => batch_id))).toEqual(new Set([idIn(output)]));
  expect(both.filter(({ stderr }) => stderr.includes('running already'))).toHaveLength(2);
  expect(await auditBatch(output, { name: 'twice', count: 6 }, reports[0]!)).toEqual([]);
  expect(account.problems()).toEqual([]);
});

test('of two commands given at once with different inputs and one directory the second is refused', async () => {
  await sandbox.run('up', '--detach');
  const output = sandbox.path('shared');
  const commands = ['one', 'other'].map((name) => ['batch', 'run', sandbox.input(name, 6), '-o', output, '--json']);
  const both = await Promise.all(commands.map((command) => sandbox.run(...command)));
  expect(both.map(({ status }) => status).sort()).toEqual([0, 2]);
  const refused = both.find(({ status }) => status === 2);
  expect(refused?.stderr).toMatch(
    /holds the running batch batch_\S+, made from another input or model\. \(OUTPUT_IN_USE\)/,
  );
  const winner = both[0]?.status === 0 ? 'one' : 'other';
  const report = reportOf(both.find(({ status }) => status === 0)!);
  expect(await auditBatch(output, { name: winner, count: 6 }, report)).toEqual([]);
});
