import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

/** Runs the command line from its sources. */
async function sluice(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'cli/main.ts', ...args]);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { status: Number(status), stdout, stderr };
}

test('comfy inspect shows where parameters are written, and which have no place', async () => {
  const { status, stdout } = await sluice('comfy', 'inspect', 'flows/comfy/sdxl-sprite.json');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^prompt +3 CLIPTextEncode "positive" +text +"pixel art/m);
  expect(stdout).toMatch(/^seed +6 KSampler "sampler" +seed +0$/m);
  expect(stdout).toContain('no place for: lora, lora_strength, source_image');
});

test('comfy inspect --json prints one object', async () => {
  const { stdout } = await sluice('comfy', 'inspect', 'flows/comfy/no-model.json', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    nodes: 4,
    classes: ['EmptyImage', 'PrimitiveInt', 'PrimitiveStringMultiline', 'SaveImage'],
    outputs: [{ node: '4', class_type: 'SaveImage' }],
  });
});

test.each([
  ['flows/comfy/none.json', 'INPUT_NOT_FOUND'],
  ['README.md', 'CONFIG_INVALID'],
  ['package.json', 'CONFIG_INVALID'],
])('comfy inspect of %s is %s, with the status of bad usage', async (path, code) => {
  const { status, stderr } = await sluice('comfy', 'inspect', path);
  expect(status).toBe(2);
  expect(stderr).toContain(`(${code})`);
});
