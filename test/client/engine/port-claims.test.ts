import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimPorts, portsOfOthers } from '../../../client/engine/port-claims.ts';
import { processStartId } from '../../../client/engine/process-identity.ts';

let directory: string;
let file: string;
const parent = { pid: process.ppid, startId: processStartId(process.ppid) ?? '' };
const own = { pid: process.pid, startId: processStartId(process.pid) ?? '' };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-ports-'));
  file = join(directory, 'ports.json');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test('the ports of an engine that runs are kept from others, and not from itself', () => {
  claimPorts(file, parent, [7233, 8233, null]);
  claimPorts(file, own, [7234]);
  expect(portsOfOthers(file, own)).toEqual([7233, 8233]);
  expect(portsOfOthers(file, parent)).toEqual([7234]);
});

test('a later claim of an engine replaces its earlier one', () => {
  claimPorts(file, parent, [1000]);
  claimPorts(file, parent, [2000]);
  expect(portsOfOthers(file, own)).toEqual([2000]);
});

test('the ports of an engine that is gone are free again', () => {
  claimPorts(file, { pid: process.ppid, startId: 'of an earlier process' }, [7233]);
  expect(portsOfOthers(file, own)).toEqual([]);
});

test('a damaged record keeps no engine from starting', () => {
  writeFileSync(file, '[{"pid":');
  expect(portsOfOthers(file, own)).toEqual([]);
  claimPorts(file, parent, [7233]);
  expect(portsOfOthers(file, own)).toEqual([7233]);
});
