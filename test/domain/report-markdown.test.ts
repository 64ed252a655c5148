import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codeSpan, escapeMarkdown, markdownTable } from '../../domain/report-markdown.ts';

test.each([
  ['a|b', String.raw`a\|b`],
  ['two\r\nlines\u2028three', 'two lines three'],
  ['`code` and *bold*', String.raw`\`code\` and \*bold\*`],
  ['[link](http://example.com)', String.raw`\[link\](http://example.com)`],
  ['<script>', String.raw`\<script\>`],
  ['back\\slash', String.raw`back\\slash`],
  ['&lt; R&D', String.raw`\&lt; R&D`],
  ['snake_case _emphasis_', String.raw`snake_case \_emphasis\_`],
  ['\u202etxt.exe', 'txt.exe'],
])('%j is shown as it is', (text, escaped) => {
  expect(escapeMarkdown(text)).toBe(escaped);
});

test('a long text is cut by characters, not in the middle of one', () => {
  expect(escapeMarkdown('🐱'.repeat(300))).toBe(`${'🐱'.repeat(199)}…`);
});

test('no text leaves its table cell', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 60 }), (first, second) => {
      const table = markdownTable('lr', ['A', 'B'], [[escapeMarkdown(first), escapeMarkdown(second)]]);
      const lines = table.split(/[\n\r\u2028\u2029]/);
      expect(lines.length).toBe(3);
      const bars = (lines[2] ?? '').replace(/\\./gs, '').split('|').length - 1;
      expect(bars).toBe(3);
    }),
  );
});

test.each([
  ['plain', '`plain`'],
  ['a `b` c', '`` a `b` c ``'],
  ['two\nlines', '`two lines`'],
])('a code span holds %j', (text, span) => {
  expect(codeSpan(text)).toBe(span);
});
