import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowOfSteps, withSpentBefore, type StepEnd } from '../../domain/item-row.ts';
import type { ItemRef } from '../../domain/item.ts';
import { addResult, emptyTally, totalCostUsd } from '../../domain/tally.ts';
import { failedRow, resultRow } from './result-rows.ts';

const ref: ItemRef = {
  index: 3,
  id: 'a4',
  part: 'input/part-00000.jsonl',
  offset: 0,
  length: 10,
  provider: 'openai',
  model: 'writer',
  label: 'a4',
  estimateUsd: 0.1,
  seed: 7,
  hash: '0123456789abcdef',
};
const end = { status: 'succeeded', error_code: null, error_message: null } as const;
const at = { nowMs: Date.UTC(2026, 0, 1) };

function stepEnd(id: string, row: Partial<ReturnType<typeof resultRow>>, more: Partial<StepEnd> = {}): StepEnd {
  return { id, row: resultRow(row), path: null, reused: false, ...more };
}

describe('the row of an item of several steps', () => {
  test('has the sums of its steps, and what each did with which model', () => {
    const ends = [
      stepEnd('draft', { model: 'writer', calls: 2, input_tokens: 5, output_tokens: 7, images: 0, cost_usd: 0.1 }),
      stepEnd('check', { model: '', calls: 0, input_tokens: 0, output_tokens: 0, images: 0, cost_usd: 0 }),
      stepEnd('cover', { model: 'painter', calls: 1, input_tokens: 1, output_tokens: 1, images: 1, cost_usd: 0.2 }),
    ];
    const row = rowOfSteps(ref, ends, { end, output: 'draft', ...at });
    expect(row).toMatchObject({ calls: 3, input_tokens: 6, output_tokens: 8, images: 1, cost_usd: 0.3 });
    expect(row.steps?.map(({ id, model, runs, cost_usd }) => [id, model, runs, cost_usd])).toEqual([
      ['draft', 'writer', 1, 0.1],
      ['check', '', 1, 0],
      ['cover', 'painter', 1, 0.2],
    ]);
  });

  test('has one entry for a step in a loop, however often it ran, but one for each model', () => {
    const draft = { model: 'writer', calls: 1, cost_usd: 0.1 };
    const ends = [
      stepEnd('draft', draft),
      stepEnd('draft', { ...draft, model: 'other' }),
      stepEnd('draft', { ...draft, calls: 0, cost_usd: 0 }, { reused: true }),
    ];
    const { steps } = rowOfSteps(ref, ends, { end, output: undefined, ...at });
    expect(steps).toMatchObject([
      { id: 'draft', model: 'writer', runs: 2, reused: 1, calls: 1 },
      { id: 'draft', model: 'other', runs: 1, calls: 1 },
    ]);
  });

  test('names the file of the output step, the latest of its rounds, else the last file that was made', () => {
    const ends = [
      stepEnd('draft', { model: 'writer' }, { path: 'texts/a4.md' }),
      stepEnd('cover', { model: 'painter' }, { path: 'images/cover/a4.png' }),
    ];
    expect(rowOfSteps(ref, ends, { end, output: 'draft', ...at })).toMatchObject({
      output_path: 'texts/a4.md',
      model: 'writer',
    });
    expect(rowOfSteps(ref, ends, { end, output: 'skipped', ...at })).toMatchObject({
      output_path: 'images/cover/a4.png',
      model: 'painter',
    });
  });

  test('of a failed item has no file, and what all steps cost until then', () => {
    const failed = { status: 'failed', error_code: 'CONTENT_BLOCKED', error_message: 'no' } as const;
    const ends = [
      stepEnd('draft', { model: 'writer', cost_usd: 0.1 }, { path: 'texts/a4.md' }),
      { id: 'cover', row: failedRow({ model: 'painter', cost_usd: 0.05 }), path: null, reused: false },
    ];
    expect(rowOfSteps(ref, ends, { end: failed, output: 'draft', ...at })).toMatchObject({
      status: 'failed',
      error_code: 'CONTENT_BLOCKED',
      output_path: null,
      cost_usd: 0.15,
    });
  });

  test('has what an earlier run without a row spent, whose finished rounds it found', () => {
    const row = (ends: StepEnd[]) => rowOfSteps(ref, ends, { end, output: undefined, ...at });
    const none = { calls: 0, input_tokens: 0, output_tokens: 0, images: 0, cost_usd: 0 };
    const writer = { model: 'writer', calls: 1, cost_usd: 0.1 };
    // Its second round was not begun any more; that of an even earlier run was found by it.
    const before = row([
      stepEnd('plan', { ...none, model: 'writer' }, { reused: true }),
      stepEnd('draft', writer),
      stepEnd('draft', { ...none, model: 'writer' }),
      stepEnd('cover', { model: 'down', calls: 1, cost_usd: 0 }),
    ]);
    const after = row([
      stepEnd('plan', { ...none, model: 'writer' }, { reused: true }),
      stepEnd('draft', { ...none, model: 'writer' }, { reused: true }),
      stepEnd('draft', writer),
    ]);
    const whole = withSpentBefore(after, before);
    expect(whole).toMatchObject({ calls: 3, cost_usd: 0.2 });
    expect(whole.steps).toMatchObject([
      { id: 'plan', runs: 1, reused: 1, calls: 0 },
      { id: 'draft', runs: 2, calls: 2, cost_usd: 0.2 },
      { id: 'cover', model: 'down', calls: 1 },
    ]);
    expect(whole.steps?.[1]).not.toHaveProperty('reused');
    expect(after).toMatchObject({ calls: 1, cost_usd: 0.1 });
  });

  test('costs what the tally by model says, to the millionth', () => {
    const costs = fc.array(
      fc.record({ id: fc.constantFrom('a', 'b'), model: fc.constantFrom('x', 'y', ''), micro: fc.nat(1_000_000) }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(costs, (parts) => {
        const ends = parts.map(({ id, model, micro }) => stepEnd(id, { model, cost_usd: micro / 1_000_000 }));
        const row = rowOfSteps(ref, ends, { end, output: undefined, ...at });
        const tally = emptyTally();
        addResult(tally, row);
        expect(totalCostUsd(tally)).toBeCloseTo(row.cost_usd, 6);
        expect(tally.models.reduce((sum, { items }) => sum + items, 0)).toBe(1);
      }),
    );
  });
});
