import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SluiceError } from '../../../domain/errors.ts';
import { faultNames, parseFaults } from '../../../emulators/gemini/faults.ts';
import { CallFaultPicker } from '../../../emulators/shared/call-faults.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('faults are read from', () => {
  const expected = { rates: { text_only: 0.1, unavailable: 0.03 }, rules: [], retry_delay_ms: 250, slow_ms: 5_000 };
  const json = '{"rates":{"text_only":0.1,"unavailable":0.03},"retry_delay_ms":250}';
  const pairs = 'text_only=0.1, unavailable=0.03,retry_delay_ms=250';

  test('inline JSON', () => expect(parseFaults(json)).toEqual(expected));
  test('pairs', () => expect(parseFaults(pairs)).toEqual(expected));
  test.each([
    ['JSON', json],
    ['pairs, one a line', pairs.replaceAll(',', '\n')],
  ])('a file with %s', (_, content) => {
    const path = join(directory, 'faults');
    writeFileSync(path, `${content}\n`);
    expect(parseFaults(path)).toEqual(expected);
  });
});

test.each([
  ['{"rates":', 'not valid JSON'],
  ['{"rates":{"text":0.1}}', 'text_only'],
  ['{"rates":{"hang":2}}', 'rates.hang'],
  ['text_only=0.6,hang=0.6', 'add up to more than 1'],
  ['text_only=many', 'text_only=many'],
  ['{"rules":[{"prompt":"(","fault":"hang"}]}', 'not a regular expression'],
  ['{"surprise":1}', 'surprise'],
  ['no/such/file', 'no/such/file'],
])('%s is refused with a sentence that names what is wrong', (text, named) => {
  const error = (() => {
    try {
      return parseFaults(text);
    } catch (reason) {
      return reason;
    }
  })();
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(named) });
});

const calls = Array.from({ length: 4_000 }, (_, n) => ({ model: 'm', prompt: `prompt ${n % 1_000}`, seed: n % 1_000 }));

function draw(seed: number, order: typeof calls) {
  const picker = new CallFaultPicker(faultNames, parseFaults('text_only=0.1,unavailable=0.05'), seed);
  return order.map((call) => `${call.prompt} ${picker.pick(call).fault}`);
}

test('the faults of a run do not depend on the order of its calls', () => {
  expect(draw(1, calls).sort()).toEqual(draw(1, calls.toReversed()).sort());
});

test('another seed gives other faults', () => {
  expect(draw(1, calls)).not.toEqual(draw(2, calls));
});

test('faults come about as often as asked for, and a call that is repeated is drawn anew', () => {
  const drawn = draw(3, calls);
  const share = (name: string) => drawn.filter((line) => line.endsWith(name)).length / drawn.length;
  expect(share('text_only')).toBeCloseTo(0.1, 1);
  expect(share('unavailable')).toBeCloseTo(0.05, 1);
  const hit = drawn.slice(0, 1_000).map((line) => line.endsWith('null'));
  const hitAgain = drawn.slice(1_000, 2_000).map((line) => line.endsWith('null'));
  expect(hit).not.toEqual(hitAgain);
});

test('a rule hits the calls whose prompt matches, as often as it says, before any rate', () => {
  const rules = [
    { prompt: '^cat', fault: 'hang', times: 2 },
    { prompt: 'cat', fault: 'cut' },
  ];
  const picker = new CallFaultPicker(faultNames, parseFaults(JSON.stringify({ rules, rates: { safety: 1 } })), 0);
  const pick = (prompt: string) => picker.pick({ model: 'm', prompt, seed: null }).fault;
  expect(['cats', 'a dog', 'cat', 'cat', 'a cat'].map(pick)).toEqual(['hang', 'safety', 'hang', 'cut', 'cut']);
});
