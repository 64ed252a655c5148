import { expect, test } from 'vitest';
import { stepKinds, type StepKind } from '../../domain/flow.ts';
import { stepOptions } from '../../domain/step-options.ts';

const least: Record<StepKind, object> = {
  text: { prompt: 'Write.' },
  image: {},
  video: {},
  comfy: {},
  check: { rules: [{ that: 'item.prompt', message: 'no prompt' }] },
  approve: { question: 'Good?' },
  export: { format: 'markdown', title: 'A book' },
  http: { url: 'https://example.com' },
};

test.each(stepKinds)('the kind %s takes the least it needs, and nothing unknown', (kind) => {
  expect(stepOptions[kind].safeParse(least[kind]).success).toBe(true);
  expect(stepOptions[kind].safeParse({ ...least[kind], colour: 'red' }).success).toBe(false);
});

test('null is as good as left out, so that a template may leave an option open', () => {
  expect(stepOptions.text.safeParse({ prompt: 'Write.', system: null, temperature: null }).success).toBe(true);
});
