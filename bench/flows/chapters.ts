import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Submission } from '../../client/submit.ts';
import type { BatchSpecInput } from '../../domain/batch-spec.ts';
import type { Rig } from '../rig.ts';

/** Models that write, in turn; the first one judges all chapters, too. */
export const writers = ['gemini-2.5-flash', 'gpt-4o-mini', 'claude-haiku-4-5'] as const;

/** Time a call takes, milliseconds. */
export const latencyMs = 1_000;
/** Items of a batch that are worked on at once: the most a batch may have. */
export const concurrency = 50;

/** Two calls for each chapter: one writes it, one judges it; the verdict is looked at without a call. */
const flow = {
  name: 'bench-chapter',
  description: 'Writes a chapter and has it judged.',
  columns: { title: { required: true } },
  parameters: { words: { type: 'number', default: 200 } },
  steps: [
    {
      id: 'draft',
      uses: 'text',
      model: { round_robin: writers },
      with: {
        prompt: 'Write a chapter of about {{ parameters.words }} words: {{ item.title }}.',
        expected_tokens: '{{ parameters.words | times: 1.4 }}',
      },
    },
    {
      id: 'review',
      uses: 'text',
      model: writers[0],
      with: {
        prompt: 'Judge this chapter, {{ item.title }}. {{ steps.draft.text }}',
        expected_tokens: 5,
        schema: {
          type: 'object',
          properties: { score: { type: 'integer', minimum: 1, maximum: 10 } },
          required: ['score'],
          additionalProperties: false,
        },
      },
    },
    {
      id: 'verdict',
      uses: 'check',
      with: { rules: [{ that: 'steps.review.json.score > 0', message: 'It has no score.' }] },
    },
  ],
  output: 'draft',
};

/** Starts a batch of chapters; `name` makes them differ from those of another batch. */
export function submitChapters(rig: Rig, name: string, chapters: number, spec: BatchSpecInput): Promise<Submission> {
  const file = join(rig.home, `${flow.name}.yaml`);
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(flow));
  const rows = Array.from({ length: chapters }, (_, n) => `${name}-${String(n)},${name} ${String(n)}`);
  return rig.sluice.submit({
    input: { text: `id,title\n${rows.join('\n')}\n` },
    format: 'csv',
    output: rig.newOutput(),
    spec: { flow: file, ...spec, limits: { concurrency, ratePerMinute: null, ...spec.limits } },
  });
}
