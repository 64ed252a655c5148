import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assertSocketIsOurs, createHome, defaultHome, enginePaths } from '../../../client/engine/home.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-home-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('SLUICE_HOME decides, and an empty one counts as unset', () => {
  expect(defaultHome({ SLUICE_HOME: '/x/y' })).toBe('/x/y');
  expect(defaultHome({ SLUICE_HOME: '' })).toMatch(/\.sluice$/);
});

test('a home is readable by its owner only', () => {
  const paths = enginePaths(join(directory, 'h'));
  createHome(paths);
  expect(statSync(paths.home).mode & 0o777).toBe(0o700);
  expect(paths.socket).toBe(join(paths.home, 'engine.sock'));
});

test('the socket of a home with a long path lies in a private directory of its own', () => {
  const paths = enginePaths(join(directory, 'h'.repeat(90)));
  expect(Buffer.byteLength(paths.socket)).toBeLessThanOrEqual(100);
  expect(enginePaths(join(directory, 'g'.repeat(90))).socket).not.toBe(paths.socket);
  createHome(paths);
  assertSocketIsOurs(paths);
  chmodSync(dirname(paths.socket), 0o755);
  expect(() => assertSocketIsOurs(paths)).toThrow(expect.objectContaining({ code: 'ENGINE_UNAVAILABLE' }));
  rmSync(dirname(paths.socket), { recursive: true });
});

test('a home that cannot be made is one clear error', () => {
  writeFileSync(join(directory, 'file'), '');
  expect(() => createHome(enginePaths(join(directory, 'file', 'home')))).toThrow(
    expect.objectContaining({ code: 'ENGINE_START_FAILED' }),
  );
});
