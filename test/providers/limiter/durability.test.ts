import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { SluiceError } from '../../../domain/errors.ts';
import { machineClock } from '../../../providers/limiter/clock.ts';
import { createLimiter } from '../../../providers/limiter/limiter.ts';
import type { LimitKey } from '../../../providers/limiter/live-limits.ts';
import { scratchDirectory } from './scratch.ts';
import { VirtualClock } from './virtual-clock.ts';

const never = new AbortController().signal;
const cost = { tokens: 0, images: 1 };
const fixture = fileURLToPath(new URL('limited-process.ts', import.meta.url));

/** A process that makes calls under a limit from `go` on. */
function startProcess(input: { path: string; key: LimitKey; holdMs: number | null; calls: number }) {
  const child = spawn(process.execPath, [fixture, JSON.stringify(input)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const ready = once(child, 'message');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const spans: { fromNs: bigint; toNs: bigint }[] = [];
  const waiting: (() => void)[] = [];
  if (child.stdout === null) throw new Error('no output');
  createInterface(child.stdout).on('line', (line) => {
    const [fromNs = '0', toNs = '0'] = line.split(' ');
    spans.push({ fromNs: BigInt(fromNs), toNs: BigInt(toNs) });
    for (const wake of waiting.splice(0)) wake();
  });
  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
    });
  const go = (): void => {
    child.send('go');
  };
  return { child, exited, ready, go, spans, changed };
}

function failureOf(run: () => unknown): SluiceError {
  try {
    run();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

function open(path: string, clock: VirtualClock) {
  const limiter = createLimiter({ path, clock });
  onTestFinished(() => {
    limiter.close();
  });
  return limiter;
}

test('processes that share a file share its limits', async () => {
  const path = join(scratchDirectory(), 'new', 'limits.sqlite');
  const key = { key: 'm', requestsPerMinute: 400, concurrency: 20 };
  const processes = [1, 2].map(() => startProcess({ path, key, holdMs: 1, calls: 300 }));
  await Promise.all(processes.map((process) => process.ready));
  for (const process of processes) process.go();
  const all = () => processes.flatMap((process) => process.spans);
  while (all().length < 400) await Promise.race(processes.map((process) => process.changed()));
  // Time enough for one more, were there one.
  await delay(300);
  expect(all().length).toBe(400);

  const atOnce = all().map(({ fromNs }) => all().filter((span) => span.fromNs <= fromNs && fromNs < span.toNs).length);
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(20);
});

test('a killed process loses its places, but what it may have sent stays counted', async () => {
  const path = join(scratchDirectory(), 'limits.sqlite');
  const key = { key: 'm', requestsPerMinute: 5, concurrency: 5 };
  const victim = startProcess({ path, key, holdMs: null, calls: 5 });
  await victim.ready;
  victim.go();
  while (victim.spans.length < 5) await victim.changed();
  victim.child.kill('SIGKILL');
  await victim.exited;

  const clock = new VirtualClock(machineClock.now());
  const limiter = open(path, clock);
  expect(limiter.usage('m')).toMatchObject({ requests: 5, inFlight: 5 });
  await clock.advance(15_000);
  expect(limiter.usage('m')).toMatchObject({ requests: 5, inFlight: 0 });

  let granted = false;
  void limiter.acquire([key], cost, never).then(() => {
    granted = true;
  });
  // Sent at the latest as the lease ran out, so not before a minute after that.
  await clock.advance(44_000);
  expect(granted).toBe(false);
  await clock.advance(17_000);
  expect(granted).toBe(true);
});

test('a limiter that is opened again remembers the last minute', async () => {
  const path = join(scratchDirectory(), 'limits.sqlite');
  const clock = new VirtualClock();
  const keys = [{ key: 'm', requestsPerMinute: 3 }];
  const first = open(path, clock);
  for (let call = 0; call < 3; call += 1) (await first.acquire(keys, cost, never)).sent();
  first.close();

  await clock.advance(30_000);
  const second = open(path, clock);
  expect(second.usage('m')).toMatchObject({ requests: 3, inFlight: 0 });
  let granted = false;
  void second.acquire(keys, cost, never).then(() => {
    granted = true;
  });
  await clock.advance(30_499);
  expect(granted).toBe(false);
  await clock.advance(1);
  expect(granted).toBe(true);
});

test('a clock that starts again, as after a reboot, neither frees the window nor blocks it for longer than a minute', async () => {
  const path = join(scratchDirectory(), 'limits.sqlite');
  const clock = new VirtualClock(500_000_000);
  const keys = [{ key: 'm', requestsPerMinute: 1 }];
  const first = open(path, clock);
  const permit = await first.acquire(keys, cost, never);
  permit.sent();
  permit.release();
  first.slowDown('m', 5_000);
  first.close();

  clock.jump(-499_000_000);
  const second = open(path, clock);
  expect(second.usage('m')).toMatchObject({ requests: 1, blockedForMs: 5_000 });
  await clock.advance(60_499);
  expect(second.usage('m').requests).toBe(1);
  await clock.advance(1);
  expect(second.usage('m').requests).toBe(0);
});

test('a file that is no database is refused with what to do', () => {
  const path = join(scratchDirectory(), 'limits.sqlite');
  writeFileSync(path, 'not a database, and long enough to be looked at as one'.repeat(20));
  const error = failureOf(() => createLimiter({ path }));
  expect(error.code).toBe('STORAGE_ERROR');
  expect(error.action).toContain('delete it');
});

test('a path under something that is no directory is refused with its name', () => {
  const file = join(scratchDirectory(), 'file');
  writeFileSync(file, '');
  const error = failureOf(() => createLimiter({ path: join(file, 'limits.sqlite') }));
  expect(error.code).toBe('STORAGE_ERROR');
  expect(error.message).toContain(file);
});

test('a log that fails is told to those who wait, and what was not written is written once it works again', async () => {
  const path = join(scratchDirectory(), 'limits.sqlite');
  const clock = new VirtualClock();
  const limiter = open(path, clock);
  const keys = [{ key: 'm', concurrency: 1 }];
  const permit = await limiter.acquire(keys, cost, never);

  const other = new DatabaseSync(path);
  onTestFinished(() => {
    other.close();
  });
  other.exec('ALTER TABLE leases RENAME TO hidden');
  permit.release();
  await expect(limiter.acquire(keys, cost, never)).rejects.toMatchObject({ code: 'STORAGE_ERROR' });

  other.exec('ALTER TABLE hidden RENAME TO leases');
  await clock.advance(1_000);
  expect(limiter.usage('m').inFlight).toBe(0);
});
