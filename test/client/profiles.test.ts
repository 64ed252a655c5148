import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findProfile, loadProfiles } from '../../client/profiles.ts';
import { batchSpecSchema } from '../../domain/batch-spec.ts';
import { parseComfyGraph } from '../../domain/comfy-graph.ts';
import { injectParameters } from '../../domain/comfy-inject.ts';
import { profileSpec, profileValues } from '../../domain/sprite-profile.ts';

async function homeWith(text?: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-profiles-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  if (text !== undefined) await writeFile(join(home, 'profiles.yaml'), text);
  return home;
}

const shipped = async () => loadProfiles(await homeWith());

it('comes with five profiles, each with its batch size and steps', async () => {
  const profiles = [...(await shipped()).values()];
  expect(profiles.map(({ name, hardware, model }) => [name, hardware.batch_size, model.steps])).toEqual([
    ['speed', 8, 15],
    ['balanced', 4, 20],
    ['quality', 1, 30],
    ['animation', 8, 20],
    ['tileset', 8, 18],
  ]);
});

it.each(['speed', 'balanced', 'quality', 'animation', 'tileset'])(
  'finds a place in its graph for everything %s sets, and options a batch takes',
  async (name) => {
    const profile = findProfile(await shipped(), name);
    const graph = parseComfyGraph(JSON.parse(await readFile(profile.graphPath, 'utf8')));
    const { applied, missing } = injectParameters(graph, profileValues(profile));
    expect(missing).toEqual([]);
    expect(applied).toContainEqual(expect.objectContaining({ parameter: 'steps', value: profile.model.steps }));
    expect(batchSpecSchema.parse(profileSpec(profile)).timeoutMs).toBe(300_000);
  },
);

it('takes the profile "balanced" where none is named', async () => {
  expect(findProfile(await shipped()).name).toBe('balanced');
});

it('lists the names there are when asked for one that is not', async () => {
  const profiles = await loadProfiles(await homeWith('profiles: { mine: { model: { graph: no-model } } }'));
  expect(() => findProfile(profiles, 'constructor')).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      message: 'There is no profile "constructor".',
      action: 'Use one of: speed, balanced, quality, animation, tileset, mine.',
    }),
  );
});

it('adds what the home names and replaces whole entries, keeping nothing of the old one', async () => {
  const home = await homeWith(`
profiles:
  mine: { model: { graph: graphs/mine.json }, hardware: { gpu_class: 24gb, batch_size: auto } }
  quality: { model: { graph: no-model } }
`);
  const profiles = await loadProfiles(home);
  const file = join(home, 'profiles.yaml');
  expect(profiles.get('mine')).toEqual({
    name: 'mine',
    file,
    graphPath: join(home, 'graphs', 'mine.json'),
    model: { graph: 'graphs/mine.json' },
    hardware: { gpu_class: '24gb', batch_size: 'auto' },
    queue: { priority: 'normal' },
    output: { name: 'sprite' },
    monitoring: {},
  });
  expect(profiles.get('quality')).toMatchObject({ file, model: { graph: 'no-model' } });
  expect(profiles.get('quality')?.model).not.toHaveProperty('steps');
  expect(profiles.get('speed')).toEqual((await shipped()).get('speed'));
});

it.each(['# nothing yet\n', 'profiles: {}\n'])('takes %j as a file that changes nothing', async (text) => {
  expect(await loadProfiles(await homeWith(text))).toEqual(await shipped());
});

const one = (sections: string) => `profiles:\n  mine:\n    ${sections.replaceAll('\n', '\n    ')}\n`;
const graph = 'model: { graph: sdxl-sprite }\n';
const inModel = (field: string) => one(`model:\n  graph: sdxl-sprite\n  ${field}`);
const inSection = (section: string, field: string) => one(`${graph}${section}:\n  ${field}`);

it.each([
  ['an unknown key of the file', 'default: speed\n', 1, 'default: is not a field'],
  ['an unknown section', one(`${graph}webhook: {}`), 4, 'profiles.mine.webhook: is not a field'],
  ['an unknown key of a section', inModel('stesp: 20'), 5, 'profiles.mine.model.stesp: is not a field'],
  ['no model', one('queue: {}'), 2, 'profiles.mine.model: .*expected object'],
  ['an entry that is empty', 'profiles:\n  speed:\n', 2, 'profiles.speed: .*expected object'],
  ['a name with a slash', 'profiles:\n  a/b: {}\n', 2, 'profiles.a/b: must be letters'],
  ['a name too long', `profiles:\n  ${'a'.repeat(51)}: {}\n`, 2, 'profiles.a+: is longer than 50'],
  ['no graph', one('model: { steps: 20 }'), 3, 'profiles.mine.model.graph: .*expected string'],
  [
    'a graph that is not shipped',
    one('model: { graph: sdxl }'),
    3,
    'model.graph: must be a graph that comes .*no-model',
  ],
  ['a graph that leaves the folder', one('model: { graph: ../comfy/no-model }'), 3, 'model.graph: must be a graph'],
  ['an empty checkpoint', inModel('checkpoint: ""'), 5, 'model.checkpoint: must not be empty'],
  ['an empty LoRA', inModel('lora: ""'), 5, 'model.lora: must not be empty'],
  ['a strength without a LoRA', inModel('lora_strength: 1'), 5, 'model.lora_strength: needs lora'],
  ['a strength too large', inModel('lora: a\n  lora_strength: 101'), 6, 'model.lora_strength: Too big.*100'],
  ['no steps', inModel('steps: 0'), 5, 'model.steps: Too small.*1'],
  ['half a step', inModel('steps: 1.5'), 5, 'model.steps: .*expected int'],
  ['a cfg_scale too large', inModel('cfg_scale: 101'), 5, 'model.cfg_scale: Too big.*100'],
  ['an empty sampler', inModel('sampler: ""'), 5, 'model.sampler: must not be empty'],
  ['a scheduler that is a number', inModel('scheduler: 1'), 5, 'model.scheduler: .*expected string'],
  ['a width between eights', inModel('width: 1001'), 5, 'model.width: .*multiple of 8'],
  ['a height too small', inModel('height: 8'), 5, 'model.height: Too small.*16'],
  ['a negative prompt left out half', inModel('negative_prompt:'), 5, 'model.negative_prompt: .*expected string'],
  ['a GPU class in capitals', inSection('hardware', 'gpu_class: 24GB'), 5, 'hardware.gpu_class: must be "any" or'],
  ['a batch size of 2', inSection('hardware', 'batch_size: 2'), 5, 'hardware.batch_size: must be 1, 4, 8 or auto'],
  ['negative memory', inSection('hardware', 'min_vram_gb: -1'), 5, 'hardware.min_vram_gb: Too small'],
  [
    'a priority that is none',
    inSection('queue', 'priority: top'),
    5,
    'queue.priority: .*"urgent"|"high"|"normal"|"low"',
  ],
  ['too many attempts', inSection('queue', 'max_attempts: 21'), 5, 'queue.max_attempts: Too big.*20'],
  ['a time limit of over an hour', inSection('queue', 'timeout_seconds: 3601'), 5, 'queue.timeout_seconds: Too big'],
  ['a name with a slash in it', inSection('output', 'name: ../x'), 5, 'output.name: must be letters'],
  ['an empty directory', inSection('output', 'directory: ""'), 5, 'output.directory: must not be empty'],
  ['a rate in percent', inSection('monitoring', 'pause_above: 50'), 5, 'monitoring.pause_above: Too big.*1'],
  [
    'a notice after the pause',
    inSection('monitoring', 'pause_above: 0.3\n  notice_above: 0.4'),
    6,
    'monitoring.notice_above: must be at most pause_above \\(0.3\\)',
  ],
  [
    'a notice after the default pause',
    inSection('monitoring', 'notice_above: 0.6'),
    5,
    'monitoring.notice_above: must be at most pause_above \\(0.5\\)',
  ],
  [
    'a pause before the default notice',
    inSection('monitoring', 'pause_above: 0.1'),
    5,
    'monitoring.pause_above: must be at least notice_above \\(0.2',
  ],
  ['broken YAML', 'profiles:\n  a: [1\n', 3, ''],
  ['a key twice', 'profiles:\n  a: {}\n  a: {}\n', 3, '.*unique'],
  ['a list', '- a\n', 1, 'must hold "profiles:"'],
])('names file, line, profile, field and rule for %s', async (_, text, line, rule) => {
  const home = await homeWith(text);
  const failure = await loadProfiles(home).then(
    () => null,
    (error: unknown) => error as Error,
  );
  expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
  const [file, ...rest] = failure?.message.split('profiles.yaml:') ?? [];
  expect(file).toBe(join(home, '/'));
  expect(rest.join('profiles.yaml:')).toMatch(new RegExp(`^${line}:(?:\\d+:)? (profiles\\.mine\\.)?${rule}`));
});

it('tells all that is wrong at once', async () => {
  const home = await homeWith(one('model: { graph: sdxl-sprite, steps: 0 }\nqueue: { priority: top }'));
  await expect(loadProfiles(home)).rejects.toThrow(/model\.steps: .*; .*queue\.priority: /);
});

it('refuses an alias that leads nowhere', async () => {
  await expect(loadProfiles(await homeWith('profiles: *gone\n'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
