import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTemporal } from '../../../client/engine/find-temporal.ts';

let root: string;
let env: NodeJS.ProcessEnv;
let notices: string[];
const notice = (line: string) => void notices.push(line);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-find-'));
  mkdirSync(join(root, 'bin'));
  notices = [];
  // A proxy nobody listens on keeps the download from the network, whether the machine has one or not.
  const proxy = 'http://127.0.0.1:9';
  env = { PATH: join(root, 'bin'), XDG_CACHE_HOME: join(root, 'cache'), HTTPS_PROXY: proxy, https_proxy: proxy };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function script(name: string, body: string): string {
  const file = join(root, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const help = '--db-filename --ui-port --sqlite-pragma --search-attribute --dynamic-config-value';
const built = () => join(root, 'cache/sluice/temporal-1.5.1/temporal');
/** Notes each run and leaves a program where `go install` would. */
const fakeGo = () => script('go', `echo "$*" >>${join(root, 'runs')}; echo 'true' >"$GOBIN/temporal"`);

test('a temporal on PATH that has the flags we need is used', async () => {
  const file = script('temporal', `echo '${help}'`);
  expect(await findTemporal(env, notice)).toBe(file);
  expect(notices).toEqual([]);
});

test('a temporal on PATH that is too old gives way to the cached one', async () => {
  script('temporal', `echo 'unknown command: start-dev' >&2; exit 1`);
  mkdirSync(join(built(), '..'), { recursive: true });
  appendFileSync(built(), '#!/bin/sh\n');
  chmodSync(built(), 0o755);
  expect(await findTemporal(env, notice)).toBe(built());
});

test('without one it is built once, also for two that ask at the same time', async () => {
  fakeGo();
  const found = await Promise.all([findTemporal(env, notice), findTemporal(env, notice)]);
  expect(found).toEqual([built(), built()]);
  expect(readFileSync(join(root, 'runs'), 'utf8')).toBe('install github.com/temporalio/cli/cmd/temporal@v1.5.1\n');
  expect(notices).toContain('Building the Temporal server once (about 7 minutes)…');
  expect(notices).toContain('Waiting for another process that is getting the Temporal server…');
});

test('a build that fails leaves nothing in the cache and says what was tried', async () => {
  script('go', `echo 'go: no such module' >&2; exit 1`);
  await expect(findTemporal(env, notice)).rejects.toMatchObject({
    code: 'TEMPORAL_BINARY_MISSING',
    message: expect.stringMatching(
      /no temporal on PATH; no download \(.+\); no build \(go: no such module\)/,
    ) as string,
  });
  expect(existsSync(built())).toBe(false);
});

test('without Go the error says so within seconds', async () => {
  await expect(findTemporal(env, notice)).rejects.toMatchObject({
    code: 'TEMPORAL_BINARY_MISSING',
    message: expect.stringContaining('no build (go is not on PATH)') as string,
  });
});
