import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SluiceError } from '../../domain/errors.ts';
import { holds, renderTemplate, renderValue, type TemplateScope } from '../../domain/templates.ts';

const scope: TemplateScope = {
  item: { id: 'a', genre: 'horror', chapters: [1, 'two'], hero: { name: 'Ada' }, mood: null, text: '{{ batch.id }}' },
  parameters: { words: 800, strict: false },
  steps: { draft: { text: 'Once', words: 0 }, review: null },
  loop: { round: 2 },
  batch: { id: 'batch_1', project: 'default' },
};
const scopeWith = (value: unknown): TemplateScope => ({ ...scope, item: { value } });

test.each([
  ['a {{ item.genre }} tale of {{ parameters.words }} words', 'a horror tale of 800 words'],
  ['{{ item.chapters }} {{ item.hero }}', '[1,"two"] {"name":"Ada"}'],
  ['{% for c in item.chapters %}{{ c }};{% endfor %}', '1;two;'],
  ['[{{ item.mood }}]', '[]'],
  ['{% if steps.review %}{{ steps.review.note }}{% else %}first{% endif %}', 'first'],
  ['{{ steps.review.note | default: "none" }}', 'none'],
  ['{{ steps.nobody | default: "none" }}', 'none'],
  ['{{ 0 | date: "%Y-%m-%dT%H" }}', '1970-01-01T00'],
  ['{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
])('%s reads %s', (template, text) => {
  expect(renderTemplate(template, scope)).toBe(text);
});

test.each([
  ['Hi\n {{ item.gnere }}', 'prompt, line 2, column 5: undefined variable: item.gnere.'],
  ['{{ item.genre ', 'prompt, line 1, column 1: output "{{ item.genre " not closed.'],
  ['{{ item.genre | shout }}', 'prompt, line 1, column 1: undefined filter: shout.'],
  ['{{ item.chapters | sample }}', 'prompt, line 1, column 1: undefined filter: sample.'],
  ['{% include "secrets" %}', 'prompt, line 1, column 1: tag "include" not found.'],
  ['{% render "secrets" %}', 'prompt, line 1, column 1: tag "render" not found.'],
  ['{% increment n %}', 'prompt, line 1, column 1: tag "increment" not found.'],
  ['{{ "now" | date: "%Y" }}', 'prompt, line 1, column 1: there is no clock here: "now" is not a date.'],
  ['{{ item.constructor }}', 'prompt, line 1, column 4: undefined variable: item.constructor.'],
  ['{% for n in (1..999999999) %}x{% endfor %}', 'prompt, line 1, column 1: memory alloc limit exceeded.'],
])('%s is refused with its place', (template, message) => {
  expect(() => renderTemplate(template, scope, 'prompt')).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT', message }),
  );
});

test.each([
  ['item.genre == "horror" and parameters.words > 500', true],
  ['item.chapters contains "two"', true],
  ['loop.round < 2', false],
  ['steps.review.passed', false],
  ['steps.nobody.answer == "reject"', false],
  ['not parameters.strict', true],
  ['(steps.draft.text | number_of_words) >= 2', false],
  // As Liquid has it.
  ['steps.draft.words', true],
])('whether the condition %s holds: %s', (condition, answer) => {
  expect(holds(condition, scope)).toBe(answer);
});

test.each([['item.genre = "horror"'], [''], ['item.genre | shout']])('the condition "%s" is refused', (condition) => {
  expect(() => holds(condition, scope, 'steps.draft.when')).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringMatching(/^steps\.draft\.when/) }),
  );
});

test('a value is rendered at any depth, and a text that is one expression keeps its type', () => {
  const value = { words: '{{ parameters.words }}', list: ['{{item.chapters}}', 'n: {{ parameters.words }}'], n: 3 };
  expect(renderValue(value, scope)).toEqual({ words: 800, list: [[1, 'two'], 'n: 800'], n: 3 });
});

test('a mistake in a value is named with its path and column', () => {
  expect(() => renderValue({ parts: ['ok', '  {{ item.x }}'] }, scope, 'draft.with')).toThrow(
    'draft.with.parts[1], line 1, column 6: undefined variable: item.x.',
  );
});

test('what a row holds is never taken for a template', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom('{{ batch.id }}', '{% raw %}', '}}')), (text) => {
      expect(renderTemplate('<{{ item.value }}>', scopeWith(text))).toBe(`<${text}>`);
      expect(renderValue('{{ item.value }}', scopeWith(text))).toBe(text);
    }),
  );
});

test('a lone expression hands on any JSON value unchanged', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(renderValue('{{ item.value }}', scopeWith(value))).toEqual(value);
    }),
  );
});

test('a value without templates is rendered as itself', () => {
  const text = fc.string().filter((candidate) => !/\{\{|\{%/.test(candidate));
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('node')),
      fc.dictionary(text, tie('node')),
    ),
  }));
  fc.assert(
    fc.property(tree.node, (value) => {
      expect(renderValue(value, scope)).toEqual(value);
    }),
  );
});

test('any text is rendered, the same each time and without touching the scope, or refused with INVALID_INPUT', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '{{',
      '}}',
      '{%',
      '%}',
      ' item.hero ',
      '|',
      ' assign x = 1 ',
      ' for c in item.chapters ',
      ' endfor ',
    ),
    fc.constantFrom('{{ item.genre | upcase }}', '{% assign item = 1 %}', '{% capture steps %}x{% endcapture %}'),
  );
  const before = structuredClone(scope);
  const outcome = (template: string): string => {
    try {
      return renderTemplate(template, scope);
    } catch (error) {
      expect(error).toBeInstanceOf(SluiceError);
      expect(error).toHaveProperty('code', 'INVALID_INPUT');
      return String(error);
    }
  };
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const template = pieces.join('');
      expect(outcome(template)).toBe(outcome(template));
      expect(scope).toEqual(before);
    }),
  );
});
