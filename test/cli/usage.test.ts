import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox } from './sluice-process.ts';

/** Nothing here may need an engine: the home stays empty. */
let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(async () => {
  const untouched = !existsSync(sandbox.home);
  await sandbox.dispose();
  expect(untouched).toBe(true);
});

const commands = [
  [],
  ['batch'],
  ...[
    'run',
    'create',
    'list',
    'status',
    'watch',
    'jobs',
    'pause',
    'resume',
    'limits',
    'cancel',
    'retry',
    'report',
    'clean',
  ].map((name) => ['batch', name]),
  ['up'],
  ['down'],
  ['doctor'],
  ['emulator'],
  ['emulator', 'gemini'],
];

test.for(commands)('%j --help shows an example and ends with 0', async (command) => {
  const { status, stdout, stderr } = await sandbox.sluice([...command, '--help']);
  expect(stdout).toMatch(/Examples?:\n {2}sluice /);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('--version and --help load neither Temporal nor zod', async () => {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) { process.stderr.write(name + '\\n'); return next(name, context); } });`;
  const node = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`];
  for (const args of [['--version'], ['batch', 'run', '--help']]) {
    const { status, stderr } = await sandbox.sluice(args, { node });
    expect(status).toBe(0);
    expect(stderr).toContain('commander');
    expect(stderr).not.toMatch(/@temporalio|zod|undici/);
  }
});

describe('bad usage ends with 2 and one clear line', () => {
  test.for([
    [['bogus'], "unknown command 'bogus'"],
    [['batch', 'bogus'], "unknown command 'bogus'"],
    [['batch', 'run'], "missing required argument 'input'"],
    [['batch', 'status'], "missing required argument 'batch'"],
    [['batch', 'run', 'a.csv', '--nope'], "unknown option '--nope'"],
    [['batch', 'run', 'a.csv', '--concurrency', '51'], 'whole number from 1 to 50'],
    [['batch', 'run', 'a.csv', '--concurrency', ''], 'whole number from 1 to 50'],
    [['batch', 'run', 'a.csv', '--rate-limit', '301'], 'whole number from 1 to 300'],
    [['batch', 'run', 'a.csv', '--budget', 'x'], 'a number, 0 or more'],
    [['batch', 'run', 'a.csv', '--format', 'xml'], 'Allowed choices are auto, csv, jsonl'],
    [['batch', 'jobs', 'b', '--status', 'x'], 'Allowed choices are succeeded, failed, cancelled'],
    [['batch', 'clean', '--older-than', '7'], 'a number and a unit'],
    [['batch', 'clean'], "required option '--older-than <age>' not specified"],
  ] as const)('%j', async ([args, message]) => {
    const { status, stdout, stderr } = await sandbox.sluice([...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  test('with --json the error is one object on standard output too', async () => {
    const { status, json } = await sandbox.json(['batch', 'run', 'a.csv', '--nope', '--json']);
    expect(status).toBe(2);
    expect(json).toEqual({ error: { code: 'USAGE', message: "unknown option '--nope'", action: 'See --help.' } });
  });
});

test('a configuration file that is wrong is named with field and rule, never a value', async () => {
  writeFileSync(sandbox.path('sluice.yaml'), 'defaults: { concurrency: 51 }\ngemini: { api_key: secret-key }\n', {
    mode: 0o600,
  });
  const { status, stderr } = await sandbox.sluice(['batch', 'run', sandbox.prompts('a.csv', 1)]);
  writeFileSync(sandbox.path('sluice.yaml'), 'gemini: [secret-key\n');
  const broken = await sandbox.sluice(['batch', 'run', 'a.csv']);
  writeFileSync(sandbox.path('sluice.yaml'), '');
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /sluice\.yaml: defaults\.concurrency: .*\(CONFIG_INVALID\)\n {2}Correct the configuration file/,
  );
  expect(broken.status).toBe(2);
  expect(stderr + broken.stderr).not.toContain('secret-key');
});

describe('--dry-run', () => {
  test('shows plan, models, time and cost, and starts and writes nothing', async () => {
    const before = readdirSync(sandbox.cwd);
    const { status, stdout } = await sandbox.sluice(
      ['batch', 'run', '-', '--dry-run', '-o', 'dry', '--budget', '0.05'],
      {
        input: 'prompt,quality\na,draft\nb,high\n',
      },
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/flow image, 2 items, 0 rejected/);
    expect(stdout).toMatch(/gemini-3-pro-image: 1 item, about \$0\.13/);
    expect(stdout).toMatch(/time about .*\n {2}cost about \$0\.1\d+, budget \$0\.05/);
    expect(stdout).toContain('Nothing was started');
    expect(readdirSync(sandbox.cwd)).toEqual(before);
  });

  test('writes the rejected rows beside nothing else: to the directory, or without -o to where it is run', async () => {
    writeFileSync(sandbox.path('mixed.csv'), 'prompt,quality\ngood,\n,draft\nbad,best\n');
    const { status, json } = await sandbox.json(['batch', 'create', 'mixed.csv', '--dry-run', '--json']);
    expect(status).toBe(0);
    expect(json).toMatchObject({
      dry_run: true,
      total: 1,
      rejected: 2,
      rejected_file: sandbox.path('mixed.rejected.csv'),
    });
    expect(json['models']).toHaveProperty('gemini-2.5-flash-image');
    expect(json['estimated_cost_usd']).toBeGreaterThan(0);
    expect(json['estimated_seconds']).toBeGreaterThan(0);
    const rejected = readFileSync(sandbox.path('mixed.rejected.csv'), 'utf8');
    expect(rejected).toContain('3,validation_error,prompt: is required');

    await sandbox.sluice(['batch', 'run', 'mixed.csv', '--dry-run', '-o', 'planned']);
    expect(readdirSync(sandbox.path('planned'))).toEqual(['mixed.rejected.csv']);
    expect(readFileSync(sandbox.path('planned', 'mixed.rejected.csv'), 'utf8')).toBe(rejected);
  });

  test('an input without a valid row ends with 2 and says where the reasons are', async () => {
    writeFileSync(sandbox.path('bad.jsonl'), '{"prompt":\n{}\n');
    const { status, stdout, stderr } = await sandbox.sluice(['batch', 'run', 'bad.jsonl', '--dry-run']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('No valid requests found in bad.jsonl: all 2 rows were rejected (NO_VALID_REQUESTS)');
    expect(stderr).toContain(`Correct the rows listed in ${sandbox.path('bad.rejected.csv')}`);
  });
});

test('down without an engine says so and ends with 0', async () => {
  const { status, stdout } = await sandbox.sluice(['down']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'No engine was running.\n' });
});

test('doctor without an engine starts none, shows the home, and how to start one', async () => {
  const { status, stdout } = await sandbox.sluice(['doctor']);
  expect(status).toBe(0);
  expect(stdout).toContain(`home           ${sandbox.home}\n`);
  expect(stdout).toMatch(/engine +not running \(start it with: sluice up --detach\)/);
});

test('doctor ends with 1 when something is wrong', async () => {
  writeFileSync(sandbox.path('sluice.yaml'), 'nonsense: 1\n');
  const { status, stdout } = await sandbox.sluice(['doctor']);
  writeFileSync(sandbox.path('sluice.yaml'), '');
  expect(status).toBe(1);
  expect(stdout).toMatch(/configuration +BAD +.*CONFIG_INVALID/);
});
