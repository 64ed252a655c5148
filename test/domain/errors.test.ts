import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorCatalog } from '../../domain/errors.ts';

const rows = new Map(
  readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, code = '', , retried, action]) => [code.replaceAll('`', ''), { retried, action }]),
);

test.each(Object.entries(errorCatalog))('the docs list %s with what to do and whether it is retried', (code, info) => {
  expect(rows.get(code)).toEqual({ retried: info.retryable ? 'yes' : 'no', action: info.action });
});

test('the docs list no code that does not exist', () => {
  expect([...rows.keys()].filter((code) => !Object.hasOwn(errorCatalog, code))).toEqual([]);
});
