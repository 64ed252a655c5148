import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CostGroup } from '../../../domain/cost-groups.ts';
import { costQuerySchema, type CostQueryInput } from '../../../domain/costs.ts';
import { Ledger, type Reservation } from '../../../storage/ledger/ledger.ts';
import type { CallAccount } from '../../../storage/ledger/ledger-log.ts';

const noon = Date.parse('2026-11-25T12:00:00Z');
const usage = { inputTokens: 10, outputTokens: 20, images: 1 };
const account: CallAccount = { mode: 'live', project: 'novel', batch: 'b1', model: 'writer' };

function ledgerFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-ledger-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return join(directory, 'ledger.sqlite');
}

/** A ledger with a time of day that the test sets. */
function open(path = ':memory:', clock = { ms: noon }) {
  const ledger = new Ledger({ path, now: () => clock.ms });
  onTestFinished(() => {
    ledger.close();
  });
  return { ledger, clock };
}

let calls = 0;
function reserve(ledger: Ledger, expectedUsd: number, other: Partial<CallAccount> & { id?: string } = {}) {
  const { id = `call ${String(++calls)}`, ...rest } = other;
  return ledger.reserve(id, { ...account, ...rest }, expectedUsd);
}

function reserved(verdict: ReturnType<Ledger['reserve']>): Reservation {
  if (verdict.verdict !== 'go') throw new Error(`It is ${verdict.verdict}.`);
  return verdict.reservation;
}

function costs(ledger: Ledger, query: CostQueryInput = {}) {
  return ledger.costs(costQuerySchema.parse(query));
}

describe('what was spent', () => {
  test('is told by day, project, batch and model, emulated money apart', () => {
    const { ledger, clock } = open();
    reserved(reserve(ledger, 1)).settle({ costUsd: 0.5, usage });
    reserved(reserve(ledger, 1, { model: 'painter', batch: 'b2' })).settle({ costUsd: 0.25, usage });
    reserved(ledger.reserve('e', { ...account, mode: 'emulated' }, 1)).settle({ costUsd: 7, usage });
    clock.ms += 86_400_000;
    reserved(ledger.reserve('o', { ...account, project: 'other' }, 1)).settle({ costUsd: 2, usage });

    const keys = (by: CostGroup) => costs(ledger, { by }).rows.map(({ key, mode, cost_usd: usd }) => [mode, key, usd]);
    expect(keys('day')).toEqual([
      ['live', '2026-11-25', 0.75],
      ['live', '2026-11-26', 2],
      ['emulated', '2026-11-25', 7],
    ]);
    expect(keys('project').slice(0, 2)).toEqual([
      ['live', 'novel', 0.75],
      ['live', 'other', 2],
    ]);
    expect(keys('batch')[1]).toEqual(['live', 'b2', 0.25]);
    expect(keys('model')[0]).toEqual(['live', 'painter', 0.25]);
    expect(costs(ledger, { project: 'novel' }).total).toMatchObject({ calls: 2, images: 2, cost_usd: 0.75 });
    expect(costs(ledger, { since: '2026-11-26' }).total.cost_usd).toBe(2);
    expect(costs(ledger, { until: '2026-11-25' }).total.cost_usd).toBe(0.75);
    expect(costs(ledger).emulated.cost_usd).toBe(7);
  });

  test('counts a call once, however often it is settled, also after a restart', () => {
    const path = ledgerFile();
    const { ledger } = open(path);
    const reservation = reserved(reserve(ledger, 1, { id: 'same' }));
    reservation.settle({ costUsd: 0.5, usage });
    reservation.settle({ costUsd: 0.5, usage });
    ledger.close();
    const again = open(path).ledger;
    reserved(reserve(again, 1, { id: 'same' })).settle({ costUsd: 0.5, usage });
    expect(costs(again).total).toMatchObject({ calls: 1, cost_usd: 0.5 });
  });

  test('a call that began before midnight of UTC belongs to the day it began', () => {
    const { ledger, clock } = open(':memory:', { ms: Date.parse('2026-11-25T23:59:59Z') });
    const call = reserved(reserve(ledger, 1));
    clock.ms += 5_000;
    call.settle({ costUsd: 1, usage });
    expect(costs(ledger).rows.map(({ key }) => key)).toEqual(['2026-11-25']);
  });

  test('what a call took is kept in memory while the disk refuses it, and written later', () => {
    const path = ledgerFile();
    const { ledger } = open(path);
    const call = reserved(reserve(ledger, 1));
    const other = new DatabaseSync(path);
    onTestFinished(() => {
      other.close();
    });
    // A trigger of another connection stands for whatever makes a write fail.
    other.exec(`CREATE TRIGGER full BEFORE INSERT ON spend BEGIN SELECT RAISE(FAIL, 'full'); END`);
    call.settle({ costUsd: 0.5, usage });
    other.exec('DROP TRIGGER full');
    expect(costs(ledger).total).toMatchObject({ calls: 1, cost_usd: 0.5 });
  });
});

describe('a worker that dies', () => {
  test('leaves what it had reserved as presumed, and is corrected if it was only slow', () => {
    const path = ledgerFile();
    const clock = { ms: noon };
    const slow = open(path, clock).ledger;
    const call = reserved(reserve(slow, 0.4));
    const { ledger } = open(path, clock);
    clock.ms += 29_000;
    expect(costs(ledger)).toMatchObject({ total: { cost_usd: 0 }, reserved_usd: 0.4 });
    clock.ms += 2_000;
    expect(costs(ledger)).toMatchObject({ total: { calls: 1, cost_usd: 0.4, presumed_usd: 0.4 }, reserved_usd: 0 });

    call.settle({ costUsd: 0.1, usage });
    expect(costs(ledger).total).toMatchObject({ calls: 1, cost_usd: 0.1, presumed_usd: 0, images: 1 });
  });

  test('in order presumes at once what its calls under way cost', () => {
    const path = ledgerFile();
    const first = open(path).ledger;
    reserve(first, 0.4);
    first.close();
    expect(costs(open(path).ledger).total).toMatchObject({ cost_usd: 0.4, presumed_usd: 0.4 });
  });

  test('holds its reservations as long as it lives, however long a call takes', () => {
    const path = ledgerFile();
    const clock = { ms: noon };
    const { ledger } = open(path, clock);
    reserve(ledger, 0.4);
    for (let minute = 0; minute < 5; minute += 1) {
      clock.ms += 60_000;
      costs(ledger);
    }
    expect(costs(open(path, clock).ledger)).toMatchObject({ total: { cost_usd: 0 }, reserved_usd: 0.4 });
  });
});

describe('budgets', () => {
  test('refuse a call for good once what is spent leaves too little, and for now while calls under way may', () => {
    const { ledger } = open();
    ledger.changeBudgets({ project: { name: 'novel', total_usd: 1 } });
    const first = reserved(reserve(ledger, 0.6));
    expect(reserve(ledger, 0.6)).toMatchObject({
      verdict: 'wait',
      shortage: { project: 'novel', period: 'total', limitUsd: 1, spentUsd: 0, reservedUsd: 0.6 },
    });
    first.settle({ costUsd: 0.3, usage });
    reserved(reserve(ledger, 0.6)).settle({ costUsd: 0.6, usage });
    expect(reserve(ledger, 0.6)).toMatchObject({ verdict: 'stop', shortage: { spentUsd: 0.9 } });
    expect(reserve(ledger, 0.1).verdict).toBe('go');
  });

  test('of a project hold over its batches and not for others; of a day for all, until midnight of UTC', () => {
    const { ledger, clock } = open();
    ledger.changeBudgets({ project: { name: 'novel', total_usd: 1 } });
    reserved(reserve(ledger, 1)).settle({ costUsd: 1, usage });
    expect(ledger.reserve('x', { ...account, batch: 'b2' }, 0.1).verdict).toBe('stop');
    expect(ledger.reserve('y', { ...account, project: 'other' }, 0.1).verdict).toBe('go');
    expect(ledger.reserve('z', { ...account, mode: 'emulated' }, 0.1).verdict).toBe('go');

    ledger.changeBudgets({ day_usd: 1.05, project: { name: 'novel', total_usd: null } });
    expect(ledger.reserve('d', { ...account, project: 'other' }, 0.1)).toMatchObject({
      verdict: 'stop',
      shortage: { project: null, period: 'day' },
    });
    clock.ms += 86_400_000;
    expect(ledger.reserve('n', { ...account, project: 'other' }, 0.1).verdict).toBe('go');
  });

  test('can be raised while calls wait, and every process heeds it', () => {
    const path = ledgerFile();
    const { ledger } = open(path);
    const other = open(path).ledger;
    other.changeBudgets({ day_usd: 0 });
    expect(reserve(ledger, 0.1).verdict).toBe('stop');
    other.changeBudgets({ day_usd: 1 });
    expect(reserve(ledger, 0.1).verdict).toBe('go');
    expect(ledger.standings('live')).toEqual([
      { project: null, period: 'day', limitUsd: 1, spentUsd: 0, reservedUsd: 0.1 },
    ]);
  });

  test('of a batch hold over all its calls; the newest that anybody was told counts, until the batch is over', () => {
    const path = ledgerFile();
    const { ledger } = open(path);
    const other = open(path).ledger;
    const ask = (asked: Ledger, usd: number | null, revision: number, batch = 'b1') =>
      asked.reserve(`call ${String(++calls)}`, { ...account, batch }, 0.3, { usd, revision });
    reserved(ask(ledger, 0.5, 1)).settle({ costUsd: 0.4, usage });
    expect(ask(other, 0.5, 1)).toMatchObject({
      verdict: 'stop',
      shortage: { batch: 'b1', limitUsd: 0.5, spentUsd: 0.4, expectedUsd: 0.3 },
    });
    expect(ask(ledger, 0.5, 1, 'b2').verdict).toBe('go');
    other.setBatchBudget('b1', { usd: 0.9, revision: 2 });
    // It was told before the change.
    expect(ask(ledger, 0.5, 1).verdict).toBe('go');
    expect(ask(ledger, 0.5, 1).verdict).toBe('wait');
    expect(ask(ledger, null, 3).verdict).toBe('go');
    expect(ask(other, 0.9, 2).verdict).toBe('go');
    ledger.forgetBatchBudget('b1');
    expect(ask(ledger, 0.5, 1).verdict).toBe('stop');
  });

  test('of the configuration are taken over when it has changed, and leave alone what was set since', () => {
    const { ledger } = open();
    const configured = { day_usd: 5, projects: {} };
    ledger.followConfiguration(configured);
    ledger.changeBudgets({ day_usd: 8 });
    ledger.followConfiguration(configured);
    expect(ledger.budgets.day_usd).toBe(8);
    ledger.followConfiguration({ day_usd: 6, projects: {} });
    expect(ledger.budgets.day_usd).toBe(6);
    ledger.followConfiguration(undefined);
    expect(ledger.budgets).toEqual({ projects: {} });
  });
});

test("a batch's spending can be replaced by what its results tell; what is presumed stays", () => {
  const path = ledgerFile();
  const first = open(path).ledger;
  reserved(reserve(first, 1)).settle({ costUsd: 0.5, usage });
  reserve(first, 0.2);
  first.close();
  const { ledger } = open(path);
  ledger.replaceBatch('b1', [
    { ...account, day: '2026-11-24', calls: 3, usage, microUsd: 2_000_000, presumedMicroUsd: 0 },
  ]);
  ledger.replaceBatch('b1', [
    { ...account, day: '2026-11-24', calls: 3, usage, microUsd: 2_000_000, presumedMicroUsd: 0 },
  ]);
  expect(costs(ledger).total).toMatchObject({ calls: 3, cost_usd: 2.2, presumed_usd: 0.2 });
});
