import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from './sluice-process.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

test('generate makes numbered sprites with a sidecar each and ends with the summary', async () => {
  const { json, stderr } = await sandbox.json([
    ...['generate', '--prompt', 'pixel art knight', '--prompt', 'mage', '--count', '3', '--batch-size', '4'],
    ...['--seed', '7', '-o', 'sprites', '--wait', '--json'],
  ]);
  expect(json).toMatchObject({ status: 'succeeded', total: 2, succeeded: 2, failed: 0 });
  expect(stderr).toContain('No gpus: in the configuration: pictures come from the built-in ComfyUI emulator.');
  expect(stderr).toMatch(/: 6 pictures in 2 items, profile balanced, seed 7, to /);
  expect(readdirSync(sandbox.path('sprites', 'images')).sort()).toEqual(
    [1, 2, 3, 4, 5, 6].map((n) => `sprite_000${String(n)}_${n <= 3 ? '7' : '10'}.png`),
  );
  expect(readdirSync(sandbox.path('sprites', 'metadata'))).toHaveLength(6);
});

test('a prompts file has a prompt a line; what has no place in the graph is refused before anything starts', async () => {
  writeFileSync(sandbox.path('prompts.txt'), '\uFEFF# heroes\nknight\r\n\n  mage  \n');
  const made = await sandbox.json(['generate', '--prompts-file', 'prompts.txt', '-o', 'two', '--wait', '--json']);
  expect(made.json).toMatchObject({ status: 'succeeded', total: 2 });
  const refused = await sandbox.sluice(['generate', '--prompt', 'x', '--lora', 'pixel-art-xl.safetensors', '-o', 'no']);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('sdxl-sprite.json has no place for: lora. (USAGE)');
  const lora = ['--graph', 'sdxl-sprite-lora', '--lora', 'pixel-art-xl.safetensors'];
  expect((await sandbox.sluice(['generate', '--prompt', 'x', ...lora, '-o', 'with-lora', '--wait'])).status).toBe(0);
  const there = await sandbox.sluice(['generate', '--prompt', 'x', '-o', 'two']);
  expect([there.status, there.stderr]).toEqual([2, expect.stringContaining('or run what failed again with')]);
  const unserved = await sandbox.sluice(['generate', '--prompt', 'x', '--gpu-class', '80gb', '-o', 'no']);
  expect(unserved.status).toBe(2);
  expect(unserved.stderr).toContain('No GPU serves the class "80gb"; there are: any. (USAGE)');
  const nothing = await sandbox.sluice(['generate', '-o', 'no']);
  expect([nothing.status, nothing.stderr]).toEqual([2, expect.stringContaining('There is no prompt. (USAGE)')]);
  expect(readdirSync(sandbox.path('.'))).not.toContain('no');
});

test('lora-dataset copies pictures with their prompts as captions, and leaves out what was changed', async () => {
  const { json } = await sandbox.json([
    ...['generate', '--prompt', 'pixel art knight', '--count', '2', '--seed', '1', '-o', 'lora', '--wait', '--json'],
  ]);
  const batch = String(json['batch_id']);
  writeFileSync(sandbox.path('lora', 'images', 'sprite_0002_1.png'), 'altered');
  const command = ['batch', 'lora-dataset', batch, '-o', 'train', '--concept', 'knight', '--trigger', 'mykn'];
  const written = await sandbox.json([...command, '--json']);
  expect(written.json).toMatchObject({ pictures: 1, left_out: 1 });
  const folder = sandbox.path('train', '10_knight');
  expect(readdirSync(folder).sort()).toEqual(['sprite_0001_1.png', 'sprite_0001_1.txt']);
  expect(readFileSync(`${folder}/sprite_0001_1.txt`, 'utf8')).toBe('mykn, pixel art knight\n');
  expect(readFileSync(`${folder}/sprite_0001_1.png`)).toEqual(
    readFileSync(sandbox.path('lora', 'images', 'sprite_0001_1.png')),
  );
  rmSync(sandbox.path('lora', 'images'), { recursive: true });
  const none = await sandbox.sluice([...command.slice(0, 3), '-o', 'empty']);
  expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('has no pictures. (USAGE)')]);
});
