import { expect, test } from 'vitest';
import { loadModels } from '../../client/models.ts';
import { parseFlow } from '../../domain/parse-flow.ts';
import { prepareFlow, type FlowChange } from '../../domain/prepare-flow.ts';

const models = await loadModels('no such home');

function prepare(change: Partial<FlowChange>) {
  const parsed = parseFlow(
    {
      name: 'story',
      description: 'A story.',
      columns: { genre: {} },
      parameters: { words: { type: 'number', default: 800 }, strict: { type: 'boolean', default: false }, editor: {} },
      steps: [
        {
          id: 'draft',
          uses: 'text',
          model: { by: 'genre', table: { horror: 'claude-haiku' }, otherwise: 'gemini' },
          with: { prompt: '{{ item.genre }}' },
        },
      ],
    },
    models,
  );
  if (!parsed.ok) throw new Error(parsed.problems.map(({ rule }) => rule).join());
  const usual = { parameters: { editor: 'Ada' }, rotateModels: false, model: null };
  return prepareFlow(parsed.definition, { ...usual, ...change }, models);
}

test('aliases become the models they stand for now, and the flow knows whose each is', () => {
  const { steps, providers } = prepare({});
  expect(steps).toMatchObject([{ model: { table: { horror: 'claude-haiku-4-5' }, models: ['gemini-2.5-flash'] } }]);
  expect(providers).toEqual({ 'gemini-2.5-flash': 'gemini', 'claude-haiku-4-5': 'anthropic' });
});

test('models are taken in turn where the batch says so', () => {
  expect(prepare({ rotateModels: true }).steps).toMatchObject([
    { model: { rule: 'round_robin', models: ['gemini-2.5-flash', 'claude-haiku-4-5'] } },
  ]);
});

test('the model of the batch is the only one of its kind, so that no other vendor is needed', () => {
  expect(prepare({ model: 'gemini-lite' })).toMatchObject({
    steps: [{ model: { rule: 'fixed', models: ['gemini-2.5-flash-lite'] } }],
    providers: { 'gemini-2.5-flash-lite': 'gemini' },
  });
  expect(prepare({ model: 'veo' }).steps).toEqual(prepare({}).steps);
});

test('parameters are read by their types, from texts as from JSON', () => {
  expect(prepare({ parameters: { editor: 'Ada', words: '500', strict: 'yes' } }).parameters).toEqual({
    editor: 'Ada',
    words: 500,
    strict: true,
  });
  expect(prepare({}).parameters).toEqual({ editor: 'Ada', words: 800, strict: false });
});

test.each([
  [{}, 'parameters: editor is required by the flow story'],
  [{ editor: 'x', word: 3 }, 'parameters: the flow story has no parameter "word"; it has words, strict, editor'],
  [{ editor: 'x', words: 'many' }, 'parameters: words must be a number (got "many")'],
  [{ editor: 'x', strict: 'perhaps' }, 'parameters: strict must be true or false (got "perhaps")'],
])('the parameters %j are refused', (parameters, message) => {
  expect(() => prepare({ parameters })).toThrow(expect.objectContaining({ code: 'USAGE', message }));
});
