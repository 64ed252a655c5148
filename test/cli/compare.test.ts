import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from './sluice-process.ts';

/** By the built-in emulator, which has these and no others. */
const models = ['sd_xl_base_1.0.safetensors', 'juggernautXL_v9.safetensors'];
const compare = (...args: string[]): string[] => [
  ...['compare', '--prompt', 'knight', '--prompt', 'mage', '--steps', '1', '--width', '64', '--height', '64'],
  ...args,
];

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

/** Seeds and prompts of a column's pictures, by their sidecars. */
function sidecars(directory: string): object[] {
  const names = readdirSync(sandbox.path(directory, 'metadata')).sort();
  return names.map((name) => JSON.parse(readFileSync(sandbox.path(directory, 'metadata', name), 'utf8')) as object);
}

test('models are columns, prompts and seeds are rows, and every cell has the seed of its row', async () => {
  const { status, json } = await sandbox.json(
    compare('--models', models.join(','), '--seeds', '7,9', '-o', 'models', '--json'),
  );
  expect(status).toBe(0);
  expect(json).toMatchObject({
    image: sandbox.path('models', 'comparison.png'),
    page: sandbox.path('models', 'comparison.html'),
    cells: 8,
    made: 8,
    columns: models.map((label) => ({ label, status: 'succeeded', total: 4 })),
  });
  expect(PNG.sync.read(readFileSync(sandbox.path('models', 'comparison.png'))).width).toBeGreaterThan(64);
  const page = readFileSync(sandbox.path('models', 'comparison.html'), 'utf8');
  for (const text of [...models, 'knight', 'mage', 'seed 7', 'seed 9']) expect(page).toContain(text);
  for (const model of models) {
    expect(sidecars(`models/${model}`)).toMatchObject([
      { prompt: 'knight', seed: 7, model },
      { prompt: 'knight', seed: 9, model },
      { prompt: 'mage', seed: 7, model },
      { prompt: 'mage', seed: 9, model },
    ]);
  }
});

test('the same comparison again does only what is missing, with the seeds it had', async () => {
  const args = compare('--models', models.join(','), '--count', '2', '-o', 'again', '--json');
  const first = await sandbox.json(args);
  const made = models.map((model) => sidecars(`again/${model}`));
  expect(made[0]).toHaveLength(4);
  const second = await sandbox.json(args);
  expect(second.status).toBe(0);
  expect(second.stderr).toContain('8 of 8 cells done\n');
  expect(second.json).toMatchObject({
    made: 8,
    columns: (first.json['columns'] as { batch_id: string }[]).map(({ batch_id }) => ({
      batch_id,
      status: 'succeeded',
      skipped: 4,
      succeeded: 0,
    })),
  });
  expect(models.map((model) => sidecars(`again/${model}`))).toEqual(made);
});

test('a model no server has leaves its column with the error code, and ends with 3', async () => {
  const { status, stdout } = await sandbox.sluice(compare('--models', `${models[0] ?? ''},missing`, '-o', 'failing'));
  expect(status).toBe(3);
  expect(stdout).toContain('missing: failed, batch ');
  expect(stdout).toContain('2 of 4 cells have a picture\n');
  expect(readFileSync(sandbox.path('failing', 'comparison.html'), 'utf8')).toContain('INVALID_INPUT');
});

test('LoRAs are columns beside one without', async () => {
  const { status, json } = await sandbox.json(
    compare('--loras', 'pixel-art-xl.safetensors:0.5,none', '--seeds', '3', '-o', 'loras', '--json'),
  );
  expect(status).toBe(0);
  expect(json).toMatchObject({ made: 4, columns: [{ label: 'pixel-art-xl.safetensors:0.5' }, { label: 'none' }] });
  const [withLora] = sidecars('loras/pixel-art-xl.safetensors-0.5');
  expect(withLora).toMatchObject({ settings: { loras: [{ name: 'pixel-art-xl.safetensors', strength: 0.5 }] } });
  expect(JSON.stringify(sidecars('loras/none'))).not.toContain('LoraLoader');
});

test('what cannot be compared is refused with 2, and nothing is started', async () => {
  const refused = [
    [[], 'Give --models or --loras.'],
    [['--models', 'a', '--loras', 'b'], 'Give --models or --loras.'],
    [['--models', 'a,a'], 'Name each once.'],
    [['--models', 'a', '--seeds', '1', '--count', '2'], 'Leave out --count and --seed.'],
    [['--models', 'a', '--seeds', '1,1'], 'Each seed must be given once.'],
    [['--models', 'a', '--profile', 'nope'], 'There is no profile "nope"'],
    [['--models', 'a', '--gpu-class', '24gb'], 'No GPU serves the class "24gb"'],
  ] as const;
  for (const [args, message] of refused) {
    const { status, stderr } = await sandbox.sluice(compare(...args, '-o', 'refused'));
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) });
  }
  expect(existsSync(sandbox.path('refused'))).toBe(false);
});
