import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeAll, start } from '../comfyui.ts';
import { Sandbox } from './sluice-process.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(async () => {
  await closeAll();
  await sandbox.dispose();
});

test('doctor shows each server of the configuration, and one that is dead ends it with 1', async () => {
  const alive = await start({ vramGb: 48, deviceName: 'cuda:0 NVIDIA A6000' });
  const dead = await start();
  await dead.close();
  const entry = (name: string, url: string) => `- { name: ${name}, url: "${url}", classes: [48gb] }\n`;
  const good = entry('studio', alive.url.replace('//', '//user:hidden-word@'));
  writeFileSync(sandbox.path('sluice.yaml'), `gpus:\n${good}`, { mode: 0o600 });
  const first = await sandbox.sluice(['doctor']);
  expect(first.status).toBe(0);
  expect(first.stdout).toContain(`gpu studio     ok   ${alive.url} (any, 48gb): cuda:0 NVIDIA A6000, 48 GiB\n`);

  writeFileSync(sandbox.path('sluice.yaml'), `gpus:\n${good}${entry('attic', dead.url)}`);
  const second = await sandbox.sluice(['doctor']);
  expect(second.status).toBe(1);
  expect(second.stdout).toMatch(/^gpu studio {5}ok /m);
  const told = second.stdout.split('\n').filter((line) => line.startsWith('gpu attic'));
  expect(told).toEqual([expect.stringContaining(`BAD  ${dead.url} (any, 48gb): `)]);
  expect(told[0]).toMatch(/ECONNREFUSED.*Start it there, or correct "attic" in gpus\.$/);
  expect(first.stdout + first.stderr + second.stdout + second.stderr).not.toContain('hidden-word');
});
