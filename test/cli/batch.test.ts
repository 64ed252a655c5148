import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox } from './sluice-process.ts';

const contract = [
  'batch_id',
  'status',
  'total',
  'succeeded',
  'failed',
  'skipped',
  'rejected',
  'cancelled',
  'cost_usd',
  'duration_seconds',
  'output',
];

/** One engine for all; it is started by the first command that needs one. */
let sandbox: Sandbox;
let firstId = '';
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

function snapshot(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    names.map(({ parentPath, name }) => [`${parentPath}/${name}`, readFileSync(`${parentPath}/${name}`, 'base64')]),
  );
}

describe('a first run', () => {
  test('starts an engine and says so, makes every file, prints one object, and ends with 0', async () => {
    writeFileSync(
      sandbox.path('a b 猫.csv'),
      'id,prompt,output_name,quality\na,A cat,../çat,draft\nb,A dog,,draft\n,,,\nc,A bird,,best\n',
    );
    const { status, stderr, json } = await sandbox.json(['batch', 'run', 'a b 猫.csv', '-o', 'öut put', '--json']);
    expect(status).toBe(0);
    expect(stderr).toContain(`Starting the engine of ${sandbox.home}`);
    expect(stderr).toContain('No GEMINI_API_KEY: results come from the built-in emulator and cost nothing.');
    expect(Object.keys(json).slice(0, 11)).toEqual(contract);
    expect(json).toMatchObject({ status: 'succeeded', total: 2, succeeded: 2, failed: 0, skipped: 0, rejected: 1 });
    expect(json['output']).toBe(sandbox.path('öut put'));
    expect(json['cost_usd']).toBeGreaterThan(0);
    expect(json['duration_seconds']).toBeGreaterThan(0);
    firstId = String(json['batch_id']);
    expect(readdirSync(sandbox.path('öut put')).sort()).toEqual(
      [
        'a b 猫.rejected.csv',
        'batch_info.json',
        'images',
        'input',
        'manifest.json',
        'metadata',
        'report.md',
        'results',
        'results.jsonl',
      ].sort(),
    );
    expect(readdirSync(sandbox.path('öut put', 'images'))).toHaveLength(2);
    const png = readFileSync(sandbox.path('öut put', 'images', 'b.png'));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
  });

  test('status prints the same figures; without --json as text', async () => {
    const { status, json } = await sandbox.json(['batch', 'status', firstId, '--json']);
    expect(status).toBe(0);
    expect(Object.keys(json).slice(0, 11)).toEqual(contract);
    expect(json).toMatchObject({ batch_id: firstId, status: 'succeeded', total: 2, succeeded: 2, rejected: 1 });
    const text = await sandbox.sluice(['batch', 'status', firstId]);
    expect(text.stdout).toMatch(/succeeded {2}2 of 2 \(100% of those tried\)\n {2}rejected +1/);
  });

  test('list, jobs, report and watch of it', async () => {
    const list = await sandbox.sluice(['batch', 'list']);
    expect(list.stdout).toContain(`${firstId}  succeeded`);
    const [row] = (await sandbox.sluice(['batch', 'jobs', firstId, '--json', '--limit', '1'])).stdout.split('\n');
    expect(JSON.parse(row ?? '')).toMatchObject({
      status: 'succeeded',
      output_path: expect.stringMatching(/^images\/.*\.png$/),
    });
    expect((await sandbox.sluice(['batch', 'jobs', firstId, '--status', 'failed'])).stdout).toBe('');
    const report = await sandbox.sluice(['batch', 'report', firstId]);
    expect(report.stdout).toBe(readFileSync(sandbox.path('öut put', 'report.md'), 'utf8'));
    const watched = await sandbox.sluice(['batch', 'watch', firstId]);
    expect(watched.status).toBe(0);
    expect(watched.stdout).toContain(`Batch ${firstId}: succeeded`);
  });

  test('a reader that leaves early is no error', async () => {
    const { child, done, stderr } = sandbox.start(['batch', 'jobs', firstId]);
    child.stdout?.destroy();
    expect((await done).status).toBe(0);
    expect(stderr()).toBe('');
  });
});

describe('a finished directory', () => {
  test('is refused without --resume, with 2, and nothing in it changes', async () => {
    const before = snapshot(sandbox.path('öut put'));
    const { status, stdout, stderr } = await sandbox.sluice(['batch', 'run', 'a b 猫.csv', '-o', 'öut put']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`holds the finished batch ${firstId}. (OUTPUT_EXISTS)\n  Add --resume`);
    expect(snapshot(sandbox.path('öut put'))).toEqual(before);
  });

  test.for(['--resume', '--no-resume'])('is not touched by %s with an input that is no good', async (flag) => {
    const before = snapshot(sandbox.path('öut put'));
    writeFileSync(sandbox.path('none.csv'), 'prompt\n');
    expect((await sandbox.sluice(['batch', 'run', 'none.csv', '-o', 'öut put', flag])).status).toBe(2);
    expect(snapshot(sandbox.path('öut put'))).toEqual(before);
  });

  test('goes on as the same batch with --resume when rows were corrected, and keeps what is done', async () => {
    writeFileSync(
      sandbox.path('a b 猫.csv'),
      'id,prompt,output_name,quality\na,A cat,../çat,draft\nb,A dog,,draft\n,,,\nc,A bird,,draft\n',
    );
    const { status, json } = await sandbox.json(['batch', 'run', 'a b 猫.csv', '-o', 'öut put', '--resume', '--json']);
    expect(status).toBe(0);
    expect(json).toMatchObject({ batch_id: firstId, total: 3, skipped: 2, succeeded: 1, rejected: 0 });
    const after = await sandbox.json(['batch', 'status', firstId, '--json']);
    expect(after.json).toMatchObject({ total: 3, skipped: 2, succeeded: 1 });
    const again = await sandbox.json(['batch', 'run', 'a b 猫.csv', '-o', 'öut put', '--resume', '--json']);
    expect(again.json).toMatchObject({ status: 'succeeded', total: 3, skipped: 3, succeeded: 0, cost_usd: 0 });
    const rows = readFileSync(sandbox.path('öut put', 'results.jsonl'), 'utf8').trim().split('\n');
    expect(rows).toHaveLength(3);
  });

  test('becomes a new batch with --no-resume', async () => {
    const { status, json } = await sandbox.json([
      'batch',
      'run',
      'a b 猫.csv',
      '-o',
      'öut put',
      '--no-resume',
      '--json',
    ]);
    expect(status).toBe(0);
    expect(json['batch_id']).not.toBe(firstId);
    expect(json).toMatchObject({ total: 3, skipped: 0, succeeded: 3 });
  });
});

describe('input', () => {
  test('comes from standard input with -, to a directory named after the batch without -o', async () => {
    const { status, json } = await sandbox.json(['batch', 'run', '-', '--json'], {
      input: '{"prompt":"from a pipe"}\n',
    });
    expect(status).toBe(0);
    expect(json).toMatchObject({ total: 1, succeeded: 1, output: sandbox.path(String(json['batch_id'])) });
  });

  test.for([
    ['missing.csv', null, 'missing.csv does not exist (INPUT_NOT_FOUND)'],
    ['empty.csv', '', 'No valid requests found in empty.csv: it has no rows (NO_VALID_REQUESTS)'],
    ['binary.csv', '\0\u0001\xff\xfe\0\0', '(INPUT_UNREADABLE)'],
    ['columns.csv', 'a,b\n1,2\n', 'columns.csv has no "prompt" column'],
  ] as const)('%s ends with 2 and one clear line, and leaves no directory behind', async ([name, content, message]) => {
    if (content !== null) writeFileSync(sandbox.path(name), content, 'latin1');
    const { status, stdout, stderr } = await sandbox.sluice(['batch', 'run', name, '-o', 'a/new/one']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(existsSync(sandbox.path('a'))).toBe(false);
  });

  test('rows that are all bad leave the file that says why, and nothing else', async () => {
    writeFileSync(sandbox.path('bad.csv'), 'prompt,seed\n,1\n');
    const { status, stderr } = await sandbox.sluice(['batch', 'run', 'bad.csv', '-o', 'bad']);
    expect(status).toBe(2);
    expect(stderr).toContain(`Correct the rows listed in ${sandbox.path('bad', 'bad.rejected.csv')}`);
    expect(readdirSync(sandbox.path('bad'))).toEqual(['bad.rejected.csv']);
  });

  test.for([
    [['-o', 'file/below'], 'Cannot write to output directory', 'OUTPUT_NOT_WRITABLE'],
    [['-o', 'file'], 'it is a file', 'OUTPUT_NOT_WRITABLE'],
    [['-o', '/proc/below'], 'nothing can be made there', 'OUTPUT_NOT_WRITABLE'],
    [['-o', 'x', '--flow', 'nope'], 'There is no flow "nope"', 'UNKNOWN_FLOW'],
    [['-o', 'x', '--model', 'nope'], 'there is no model "nope"', 'UNKNOWN_MODEL'],
    [['-o', 's3://bucket/x'], 'not supported', 'USAGE'],
  ] as const)('%j is refused with 2', async ([args, message, code]) => {
    writeFileSync(sandbox.path('file'), '');
    const finished = await sandbox.json(['batch', 'run', sandbox.prompts('one.csv', 1), ...args, '--json']);
    expect(finished.status).toBe(2);
    expect(finished.stderr).toContain(message);
    expect(finished.json).toMatchObject({ error: { code, message: expect.stringContaining(message) } });
  });
});

test.for(['status', 'watch', 'jobs', 'pause', 'resume', 'limits', 'cancel', 'retry', 'report'])(
  'batch %s of a batch that does not exist ends with 2 and says what to do',
  async (command) => {
    // The id of an item is no batch's, though Temporal knows it.
    const id = command === 'cancel' ? `${firstId}/a` : 'nowhere';
    const { status, stdout, stderr } = await sandbox.sluice(['batch', command, id]);
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: `sluice: There is no batch ${id} in this engine. (BATCH_NOT_FOUND)\n  List the batches with: sluice batch list\n`,
    });
  },
);

test('an empty batch id is bad usage', async () => {
  const { status, json } = await sandbox.json(['batch', 'status', '', '--json']);
  expect(status).toBe(2);
  expect(json).toMatchObject({ error: { code: 'USAGE' } });
});

test('a batch that is over cannot be paused, and says so', async () => {
  const { status, stderr } = await sandbox.sluice(['batch', 'pause', firstId]);
  expect(status).toBe(1);
  expect(stderr).toContain(`Batch ${firstId} is over. (BATCH_NOT_RUNNING)`);
});

test('retry with nothing to retry says so', async () => {
  const { status, stderr } = await sandbox.sluice(['batch', 'retry', firstId]);
  expect(status).toBe(1);
  expect(stderr).toContain('(NOTHING_TO_RETRY)');
});

test('clean removes what the batch wrote and nothing else', async () => {
  const { json } = await sandbox.json(['batch', 'run', sandbox.prompts('mine.csv', 2), '-o', 'mixed', '--json']);
  const id = String(json['batch_id']);
  const foreign = [
    'notes.txt',
    'images/holiday.png',
    'input/old.jsonl',
    'metadata/other.json',
    'results/own/part-00000.jsonl',
  ];
  mkdirSync(sandbox.path('mixed', 'results', 'own'));
  for (const name of foreign) writeFileSync(sandbox.path('mixed', name), 'mine');
  const other = JSON.parse(readFileSync(sandbox.path('mixed', 'metadata', 'item-1.json'), 'utf8')) as object;
  const ofAnother = JSON.stringify({
    ...other,
    batch_id: 'another',
    file: { path: 'notes.txt', bytes: 4, sha256: '', mime_type: '' },
  });
  writeFileSync(sandbox.path('mixed', 'metadata', 'other.json'), ofAnother);
  const before = snapshot(sandbox.path('mixed'));

  const young = await sandbox.sluice(['batch', 'clean', '--older-than', '1h']);
  expect(young).toMatchObject({ status: 0, stdout: '' });
  const planned = await sandbox.sluice(['batch', 'clean', '--older-than', '0s', '--dry-run']);
  expect(planned.stdout).toMatch(new RegExp(`would remove ${id}  \\d+ files, .* ${sandbox.path('mixed')}\n`));
  expect(snapshot(sandbox.path('mixed'))).toEqual(before);

  const cleaned = await sandbox.sluice(['batch', 'clean', '--older-than', '0s']);
  expect(cleaned.status).toBe(0);
  expect(cleaned.stdout).toContain(`removed ${id} `);
  const wanted = foreign.map((name) => sandbox.path('mixed', name));
  expect(Object.keys(snapshot(sandbox.path('mixed'))).sort()).toEqual(wanted.sort());
  // One that held nothing else is gone as a whole.
  expect(existsSync(sandbox.path('öut put'))).toBe(false);
  expect((await sandbox.sluice(['batch', 'clean', '--older-than', '0s'])).stdout).toBe('');
});
