import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox, until } from './sluice-process.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

async function startBoth() {
  const running = sandbox.start(['emulator', 'all', '--port', '0', '--comfyui-port', '0']);
  await until('both say where they are', () => running.stdout().split('\n').length === 3);
  const [gemini = '', comfyui = ''] = running.stdout().split('\n');
  const stop = async (): Promise<number | null> => {
    running.child.kill('SIGTERM');
    return (await running.done).status;
  };
  return { gemini, comfyui, stop };
}

async function emulatedAt(url: string): Promise<unknown> {
  return (await fetch(`${url}/__emulator/health`)).json();
}

test('one process emulates Gemini and ComfyUI, each on its port, until it is told to stop', async () => {
  const { gemini, comfyui, stop } = await startBoth();
  expect(await emulatedAt(gemini)).toMatchObject({ emulates: 'gemini' });
  expect(await emulatedAt(comfyui)).toMatchObject({ emulates: 'comfyui' });
  expect(await stop()).toBe(0);
});

test('a port that is taken ends both with one line that names it', async () => {
  const { gemini, comfyui, stop } = await startBoth();
  const ports = [new URL(gemini).port, new URL(comfyui).port] as const;
  const withoutGemini = ['emulator', 'all', '--port', ports[0], '--comfyui-port', '0', '--quiet'];
  expect(await sandbox.sluice(withoutGemini)).toEqual({
    status: 1,
    stdout: '',
    stderr: `error: The emulator cannot listen on port ${ports[0]}.\n`,
  });
  const withoutComfyUi = ['emulator', 'all', '--port', '0', '--comfyui-port', ports[1], '--quiet'];
  expect(await sandbox.sluice(withoutComfyUi)).toEqual({
    status: 1,
    stdout: '',
    stderr: `error: The ComfyUI emulator cannot listen on port ${ports[1]}.\n`,
  });
  await stop();
});

test('language models are emulated with the faults that were asked for', async () => {
  const faults = '{"rules":[{"fault":"overloaded","times":1}]}';
  const running = sandbox.start(['emulator', 'text', '--latency-ms', '0', '--faults', faults]);
  await until('it says where it is', () => running.stdout().includes('\n'));
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] });
  const ask = (headers: Record<string, string>) =>
    fetch(`${running.stdout().trim()}/v1/chat/completions`, { method: 'POST', body, headers });
  expect((await ask({})).status).toBe(401);
  const authorization = 'Bearer any';
  expect((await ask({ authorization })).status).toBe(503);
  expect(await (await ask({ authorization })).json()).toMatchObject({ object: 'chat.completion', model: 'm-emulated' });
  running.child.kill('SIGTERM');
  expect((await running.done).status).toBe(0);
});
