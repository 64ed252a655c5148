import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const launcher = join(import.meta.dirname, '..', 'sluice');
let root: string;
let bin: string;

/** A checkout whose Node is a script: it notes its calls, and compiles by copying `cli`. */
const fakeNode = `#!/bin/sh
case $1 in
*tsc)
  echo build >>runs
  [ ! -f domain/broken.ts ] || { echo 'domain/broken.ts(1,1): error TS1'; exit 2; }
  mkdir -p "$5/cli" && cp cli/main.ts "$5/cli/main.js" ;;
*) echo "ran: $*" ;;
esac
`;

/** Leaves what \`npm ci\` leaves: the project's Node and npm's own copy of the lock file. */
const fakeNpm = `#!/bin/sh
echo install >>runs
[ ! -f npm-fails ] || { echo 'npm error network'; exit 1; }
mkdir -p node_modules/node/bin
cp fake-node node_modules/node/bin/node
chmod +x node_modules/node/bin/node
touch node_modules/.package-lock.json
`;

function write(name: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
  chmodSync(join(root, name), mode);
}

/** Files written in the same tick have the same time; sources are made older than any build. */
function age(name: string): void {
  utimesSync(join(root, name), 1_000_000_000, 1_000_000_000);
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function run(args: string[], extra: NodeJS.ProcessEnv = {}, program = join(root, 'sluice')): Promise<Outcome> {
  const { SLUICE_PREPARE: _prepare, ...rest } = process.env;
  const env = { ...rest, PATH: `${bin}:${process.env['PATH'] ?? ''}`, ...extra };
  return new Promise((resolve) => {
    execFile(program, args, { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const runs = () => (existsSync(join(root, 'runs')) ? readFileSync(join(root, 'runs'), 'utf8').trim().split('\n') : []);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-launcher-'));
  bin = join(root, 'bin');
  cpSync(launcher, join(root, 'sluice'));
  write('bin/npm', fakeNpm, 0o755);
  write('fake-node', fakeNode);
  for (const name of ['package-lock.json', 'cli/main.ts', 'domain/ids.ts', 'tsconfig.json', 'tsconfig.build.json']) {
    write(name, '');
    age(name);
    age(dirname(name));
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('the first run installs and builds, the next one does neither', async () => {
  const first = await run(['batch', 'run', 'a b.csv']);
  expect(first).toEqual({
    code: 0,
    stdout: `ran: --disable-warning=ExperimentalWarning ${root}/dist/cli/main.js batch run a b.csv\n`,
    stderr: 'Installing (once)…\nBuilding (once)…\n',
  });
  expect((await run(['up'])).stderr).toBe('');
  expect(runs()).toEqual(['install', 'build']);
});

test('it finds its checkout through symbolic links', async () => {
  await run([]);
  symlinkSync('../sluice', join(bin, 'one'));
  symlinkSync(join(bin, 'one'), join(bin, 'two'));
  expect((await run(['up'], {}, join(bin, 'two'))).stdout).toContain(`${root}/dist/cli/main.js up`);
});

test('launchers started at the same time install and build once', async () => {
  const outcomes = await Promise.all([run([]), run([]), run([]), run([])]);
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(runs()).toEqual(['install', 'build']);
});

test('a lock whose owner is gone is taken over', async () => {
  write('.sluice/prepare.lock/pid', '999999999');
  expect((await run([])).code).toBe(0);
  expect(existsSync(join(root, '.sluice/prepare.lock'))).toBe(false);
});

test('a changed source is built anew, a changed lock file installed anew', async () => {
  await run([]);
  age('dist/.stamp');
  write('domain/ids.ts', 'changed');
  await run([]);
  expect(runs()).toEqual(['install', 'build', 'build']);
  age('node_modules/.package-lock.json');
  write('package-lock.json', 'changed');
  await run([]);
  expect(runs().at(-1)).toBe('install');
});

test('a build that fails shows why, exits 1, and leaves the old build and no lock', async () => {
  await run([]);
  age('dist/.stamp');
  write('domain/broken.ts', '');
  const failed = await run(['up']);
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(failed.stderr).toContain('domain/broken.ts(1,1): error TS1');
  expect(failed.stderr).toContain('sluice: the build failed');
  expect(existsSync(join(root, 'dist/cli/main.js'))).toBe(true);
  expect(existsSync(join(root, '.sluice/prepare.lock'))).toBe(false);
});

test("an install that fails shows npm's reason and exits 1", async () => {
  write('npm-fails', '');
  const failed = await run([]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('npm error network');
});

test('SLUICE_PREPARE prepares and runs nothing', async () => {
  expect(await run([], { SLUICE_PREPARE: 'install' })).toMatchObject({ code: 0, stdout: '' });
  expect(runs()).toEqual(['install']);
  expect(await run([], { SLUICE_PREPARE: 'build' })).toMatchObject({ code: 0, stdout: '' });
  expect(runs()).toEqual(['install', 'build']);
});
