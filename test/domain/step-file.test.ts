import { expect, test } from 'vitest';
import { stepFileName } from '../../domain/step-file.ts';
import { parseStepRecord, stepRecordKey } from '../../domain/step-record.ts';

const flow = {
  steps: [
    { id: 'sketch', uses: 'image' as const },
    { id: 'final', uses: 'image' as const },
    { id: 'look', uses: 'check' as const },
  ],
};

test('the output of a flow is named after its item, what leads to it lies in folders of its steps and rounds', () => {
  expect(stepFileName('cat', { flow, stepId: 'final', round: 0 })).toBe('cat');
  expect(stepFileName('cat', { flow, stepId: 'final', round: 1 })).toBe('cat');
  expect(stepFileName('cat', { flow, stepId: 'final', round: 2 })).toBe('final/2/cat');
  expect(stepFileName('cat', { flow, stepId: 'sketch', round: 0 })).toBe('sketch/cat');
  expect(stepFileName('cat', { flow: { ...flow, output: 'sketch' }, stepId: 'sketch', round: 0 })).toBe('cat');
});

test('each round of a loop has a record of its own', () => {
  expect(stepRecordKey('cat', 'draft', 0)).toBe('steps/cat/draft.json');
  expect(stepRecordKey('cat', 'draft', 2)).toBe('steps/cat/draft-2.json');
});

test('bytes that are no record vouch for nothing', () => {
  expect(parseStepRecord('{"step":"draft"')).toBeNull();
  expect(parseStepRecord('{"step":"draft"}')).toBeNull();
});
