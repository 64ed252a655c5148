import { expect, test } from 'vitest';
import { isLoop, stepsOf, type Flow } from '../../domain/flow.ts';

const flow: Flow = {
  name: 'chapter',
  steps: [
    { id: 'outline', uses: 'text' },
    {
      id: 'rewrite',
      repeat: { atMost: 3, until: 'steps.qc.passed' },
      steps: [
        { id: 'draft', uses: 'text' },
        { id: 'qc', uses: 'check' },
      ],
    },
    { id: 'book', uses: 'export' },
  ],
};

test('the steps of a flow are those of its loops too, in order', () => {
  expect(stepsOf(flow).map(({ id }) => id)).toEqual(['outline', 'draft', 'qc', 'book']);
});

test('a loop is told from a step', () => {
  expect(flow.steps.map(isLoop)).toEqual([false, true, false]);
});
