import { describe, expect, test } from 'vitest';
import { answerProblem, maxNoteLength, misfitOf, questionId, type Question } from '../../domain/question.ts';

const question: Question = {
  id: 'approval-2',
  title: 'Is it good?',
  path: null,
  choices: ['approve', 'reject'],
  timeoutMs: null,
  onTimeout: 'fail',
};

describe('an answer', () => {
  test('is a decision, with a note if wanted, and with a text for an edit', () => {
    expect(answerProblem({ decision: 'approve' })).toBeNull();
    expect(answerProblem({ decision: 'reject', note: 'Too long.' })).toBeNull();
    expect(answerProblem({ decision: 'edit', text: 'Better.', question: 'approval' })).toBeNull();
  });

  test('of any other shape is refused with the field and the rule', () => {
    const wrong: [unknown, RegExp][] = [
      [undefined, /^answer: must be an object/],
      ['approve', /^answer: must be an object/],
      [['approve'], /^answer: must be an object/],
      [{ decision: 'yes' }, /^decision: must be one of approve, reject, edit/],
      [{ decision: 'approve', reason: 'x' }, /^reason: is not a field/],
      [{ decision: 'reject', note: 7 }, /^note: must be a text/],
      [{ decision: 'reject', note: 'x'.repeat(maxNoteLength + 1) }, /^note: .* 4000 characters/],
      [{ decision: 'edit' }, /^text: an edit needs/],
      [{ decision: 'edit', text: '' }, /^text: an edit needs/],
      [{ decision: 'approve', text: 'x' }, /^text: goes with the decision edit/],
      [{ decision: 'approve', question: 1 }, /^question: /],
    ];
    for (const [value, rule] of wrong) expect(answerProblem(value)).toMatch(rule);
  });

  test('has to fit the question that is open', () => {
    expect(misfitOf({ decision: 'approve' }, question)).toBeNull();
    expect(misfitOf({ decision: 'approve', question: 'approval-2' }, question)).toBeNull();
    expect(misfitOf({ decision: 'approve', question: 'approval-1' }, question)).toMatch(/open question is approval-2/);
    expect(misfitOf({ decision: 'edit', text: 'x' }, question)).toMatch(/one of approve, reject/);
  });

  test('names the round of a question in a loop', () => {
    expect(questionId('approval', 0)).toBe('approval');
    expect(questionId('approval', 3)).toBe('approval-3');
  });
});
