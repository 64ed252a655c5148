import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CallAccount, type Victim } from './audit.ts';
import type { Sandbox } from './sandbox.ts';

/** An account of calls that are made by name; `store` is what their images being stored looks like. */
function accountOf() {
  const output = mkdtempSync(join(tmpdir(), 'sluice-audit-'));
  onTestFinished(() => {
    rmSync(output, { recursive: true });
  });
  mkdirSync(join(output, 'images'));
  const calls: ReturnType<Sandbox['callsOf']> = [];
  const call = (item: number): void => {
    const prompt = `batch picture ${String(item)}`;
    calls.push({ call: calls.length + 1, at: 0, model: 'any', prompt, seed: null, request_hash: '' });
  };
  const store = (item: number): void => {
    writeFileSync(join(output, 'images', `batch-${String(item)}.png`), '');
  };
  return { account: new CallAccount({ callsOf: () => calls }, 'batch', output), call, store };
}

test('a call that was in flight when the worker was killed may be made once more, and not twice', () => {
  const { account, call } = accountOf();
  call(1);
  expect(account.noteKill('worker')).toBe(1);
  call(1);
  expect(account.problems()).toEqual([]);
  call(1);
  expect(account.problems()).toEqual(['batch-1 was called 2 times again, not 1']);
});

test.for(['server', 'supervisor', 'cli'] satisfies Victim[])('the death of the %s excuses no call', (victim) => {
  const { account, call } = accountOf();
  call(1);
  expect(account.noteKill(victim)).toBe(1);
  call(1);
  expect(account.problems()).toEqual(['batch-1 was called 1 times again, not 0']);
});

test('a call whose image was stored is not in flight', () => {
  const { account, call, store } = accountOf();
  call(1);
  store(1);
  expect(account.noteKill('worker')).toBe(0);
  call(1);
  expect(account.problems()).toEqual(['batch-1 was called 1 times again, not 0']);
});
