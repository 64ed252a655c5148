import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const built = join(import.meta.dirname, '..', '..', 'dist', 'web');

function files(end: string): string[] {
  return readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => readFileSync(join(built, name), 'utf8'));
}

test('all scripts together are less than 200 kB compressed', () => {
  const scripts = files('.js');
  expect(scripts.length).toBeGreaterThan(0);
  expect(scripts.reduce((sum, script) => sum + gzipSync(script).length, 0)).toBeLessThan(200_000);
});

test('the page has no script or style inside it, and nothing is loaded from elsewhere', () => {
  const [page = ''] = files('.html');
  expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/i);
  for (const text of [page, ...files('.css')]) expect(text).not.toMatch(/https?:\/\/|\/\/[a-z]/i);
});
