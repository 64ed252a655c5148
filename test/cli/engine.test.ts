import { writeFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { kill } from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Sandbox, until } from './sluice-process.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

const engineSchema = z.object({
  home: z.string(),
  pid: z.int(),
  address: z.string(),
  comfyEmulatorUrl: z.string(),
  ports: z.object({ emulator: z.int(), comfyui: z.int() }),
  processes: z.array(z.object({ name: z.string(), pid: z.int().nullable() })),
});

test('up --detach starts the engine, doctor shows its home, ports and processes', async () => {
  const up = await sandbox.json(['up', '--detach', '--json']);
  expect(up.status).toBe(0);
  const engine = engineSchema.parse(up.json);
  expect(engine.home).toBe(sandbox.home);

  const doctor = await sandbox.sluice(['doctor']);
  expect(doctor.status).toBe(0);
  expect(doctor.stdout).toContain(`home           ${sandbox.home}\n`);
  expect(doctor.stdout).toContain(`temporal       ${engine.address} (namespace default)\n`);
  expect(doctor.stdout).toMatch(/^web UI +http:\/\/127\.0\.0\.1:\d+$/m);
  expect(doctor.stdout).toMatch(/^gemini +emulated at http:\/\/127\.0\.0\.1:\d+$/m);
  expect(doctor.stdout).toContain(`comfyui        emulated at ${engine.comfyEmulatorUrl}\n`);
  for (const name of ['server', 'emulator', 'worker', 'api']) {
    expect(doctor.stdout).toMatch(new RegExp(`^${name} +(running|starting), pid \\d+`, 'm'));
  }
});

test("the engine's emulator is also a ComfyUI server with one GPU of 48 GB", async () => {
  const engine = engineSchema.parse((await sandbox.json(['up', '--detach', '--json'])).json);
  expect(engine.comfyEmulatorUrl).toBe(`http://127.0.0.1:${String(engine.ports.comfyui)}`);
  expect(await (await fetch(`${engine.comfyEmulatorUrl}/__emulator/health`)).json()).toMatchObject({
    emulates: 'comfyui',
  });
  expect(await (await fetch(`${engine.comfyEmulatorUrl}/system_stats`)).json()).toMatchObject({
    devices: [{ vram_total: 48 * 2 ** 30 }],
  });
});

test('a list without a batch says how to start one', async () => {
  const { status, stdout, stderr } = await sandbox.sluice(['batch', 'list']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(stderr).toContain('No batch yet. Start one with: sluice batch run');
});

test('an engine whose supervisor and server were killed is brought back by the next command', async () => {
  const made = await sandbox.json(['batch', 'run', sandbox.prompts('a.csv', 1), '-o', 'a', '--json']);
  const engine = z.object({ engine: engineSchema }).parse((await sandbox.json(['doctor', '--json'])).json).engine;
  kill(engine.pid, 'SIGKILL');
  const server = engine.processes.find(({ name }) => name === 'server')?.pid;
  if (typeof server === 'number') kill(server, 'SIGKILL');

  const { status, stderr, json } = await sandbox.json(['batch', 'status', String(made.json['batch_id']), '--json']);
  expect(status).toBe(0);
  expect(stderr).toContain(`Starting the engine of ${sandbox.home}`);
  expect(json).toMatchObject({ status: 'succeeded', succeeded: 1 });
});

test('down stops it; up in the foreground serves until Ctrl-C', async () => {
  expect(await sandbox.sluice(['down'])).toMatchObject({ status: 0, stdout: 'The engine is stopped.\n' });
  const up = sandbox.start(['up']);
  await until('it serves', () => up.stderr().includes('Ctrl-C stops the engine'));
  up.child.kill('SIGINT');
  expect((await up.done).status).toBe(0);
  expect(up.stderr()).toContain('The engine is stopped.');
  expect((await sandbox.sluice(['down'])).stdout).toBe('No engine was running.\n');
});

test('up in the foreground ends when somebody else stops the engine', async () => {
  const up = sandbox.start(['up']);
  await until('it serves', () => up.stderr().includes('Ctrl-C stops the engine'));
  await sandbox.sluice(['down']);
  expect((await up.done).status).toBe(0);
  expect(up.stderr()).toContain('The engine was stopped elsewhere.');
});

test('a home that cannot be made ends with 1 and says what to do', async () => {
  const below = await sandbox.json(['up', '--detach', '--json'], { env: { SLUICE_HOME: '/dev/null/home' } });
  expect(below.status).toBe(1);
  expect(below.json).toMatchObject({
    error: { code: 'ENGINE_START_FAILED', action: expect.stringContaining('SLUICE_HOME') },
  });
});

test('a damaged database is named with what to do, and doing so brings finished files back', async () => {
  const command = ['batch', 'run', sandbox.prompts('kept.csv', 2), '-o', 'kept', '--json'];
  const { json } = await sandbox.json(command);
  await sandbox.sluice(['down']);
  const parts = readdirSync(sandbox.home).filter((name) => name.startsWith('temporal.db'));
  const away = (name: string): void => {
    renameSync(join(sandbox.home, name), join(sandbox.root, name));
  };
  parts.forEach(away);
  const file = join(sandbox.home, 'temporal.db');
  writeFileSync(file, Buffer.alloc(64 * 1024, 'no database '));

  const refused = await sandbox.sluice([...command, '--resume']);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain(
    `sluice: The engine's database ${file} is damaged: file is not a database (26). (ENGINE_START_FAILED)\n  Move it away`,
  );
  expect(refused.stderr).toContain('--resume');

  away('temporal.db');
  const again = await sandbox.json([...command, '--resume']);
  expect(again.json).toMatchObject({ batch_id: json['batch_id'], status: 'succeeded', skipped: 2, succeeded: 0 });
});
