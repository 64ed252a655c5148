import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../domain/errors.ts';
import { FaultPicker } from './faults.ts';
import { FileFolders } from './files.ts';
import { GpuLog } from './gpu-log.ts';
import { json, maxBodyBytes, plain, send } from './http.ts';
import { readBody } from '../shared/read-body.ts';
import { ComfyMachine } from './machine.ts';
import { checkOptions } from '../shared/check-options.ts';
import { optionsSchema, type ComfyEmulatorOptions } from './options.ts';
import { answer, answerApi } from './routes.ts';
import { SocketHub } from './socket-hub.ts';

export interface ComfyEmulator {
  /** e.g. `http://127.0.0.1:40123`. */
  url: string;
  port: number;
  /** `output/`, `input/` and `temp/` are in it. */
  directory: string;
  /** Queue, history, cache and temporary files are lost; connections are refused until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Down, a while, and up again. @default 0 milliseconds down */
  restart(downMs?: number): Promise<void>;
  /** While it hangs, connections are accepted and no request is answered; those that wait stay unanswered. */
  hang(on: boolean): void;
  /** Breaks what is in flight, ends the log, frees the port, removes a directory of its own. */
  close(): Promise<void>;
}

/**
 * An emulator of one ComfyUI server with one virtual GPU, over real HTTP and WebSocket on the loopback
 * interface. Besides ComfyUI's routes: `GET /__emulator/health`, `POST /__emulator/restart?down_ms=`,
 * `POST /__emulator/hang?on=1|0`.
 *
 * @throws SluiceError USAGE when an option is wrong, the log cannot be written or the port is taken.
 */
export async function startComfyEmulator(options: ComfyEmulatorOptions = {}): Promise<ComfyEmulator> {
  const settings = checkOptions(optionsSchema, options);
  const directory = settings.directory ?? mkdtempSync(join(tmpdir(), 'sluice-comfyui-'));
  const log = new GpuLog(settings.gpuLog, settings.gpu);
  const files = new FileFolders(directory);
  const faults = new FaultPicker(settings.faults, settings.seed);
  const sockets = new Set<Socket>();
  let hub = new SocketHub();
  let machine = new ComfyMachine(settings, files, hub, log, faults);
  let server: Server | null = null;
  let { port } = settings;
  let hanging = false;

  async function up(): Promise<void> {
    if (server !== null) return;
    hub = new SocketHub();
    machine = new ComfyMachine(settings, files, hub, log, faults);
    const opened = createServer((request, response) => {
      route(request, response).catch((error: unknown) => {
        // A client that went away in the middle of its request, or a defect of the emulator.
        if (response.headersSent) response.destroy();
        else send(response, plain(500, `emulator: ${String(error)}`), { cut: false, head: false });
      });
    });
    opened.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    opened.on('upgrade', (request: IncomingMessage, socket, head: Buffer) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
      const at = routeOf(pathname);
      if (hanging) return;
      if (at?.path !== '/ws') socket.destroy();
      else hub.accept(request, socket, head, searchParams.get('clientId'), () => machine.status());
    });
    // Longer than any client keeps an idle connection, so that none is closed under a request.
    opened.keepAliveTimeout = 120_000;
    opened.requestTimeout = 0;
    try {
      opened.listen(port, '127.0.0.1');
      await once(opened, 'listening');
    } catch (error) {
      throw new SluiceError('USAGE', `The ComfyUI emulator cannot listen on port ${port}.`, { cause: error });
    }
    const address = opened.address();
    if (typeof address === 'object' && address !== null) port = address.port;
    server = opened;
    log.write({ event: 'up', device: settings.deviceName, vram_gb: settings.vramGb });
  }

  async function down(): Promise<void> {
    if (server === null) return;
    const closed = new Promise<void>((done) => server?.close(() => done()));
    server = null;
    hub.closeAll();
    for (const socket of sockets) socket.destroy();
    await machine.stop();
    await closed;
    files.clearTemp();
    log.write({ event: 'down' });
  }

  async function restart(downMs = 0): Promise<void> {
    await down();
    await sleep(downMs);
    await up();
  }

  /** The path without `/api`; null where the server does not route it. */
  function routeOf(pathname: string): { path: string; api: boolean } | null {
    const api = pathname.startsWith('/api/');
    if (settings.routes === (api ? 'bare' : 'api')) return null;
    return { path: api ? pathname.slice('/api'.length) : pathname, api };
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
    const method = request.method ?? 'GET';
    const whole = { cut: false, head: method === 'HEAD' };
    if (pathname.startsWith('/__emulator/')) {
      send(response, control(method, pathname, searchParams), whole);
      return;
    }
    const body = await readBody(request, maxBodyBytes);
    const at = routeOf(pathname);
    const fault = faults.ofRequest(`${method} ${at?.path ?? pathname}`);
    if (hanging || fault === 'hang') return;
    if (fault === 'slow') await sleep(faults.slowMs);
    if (fault === 'server_error') {
      send(response, plain(500, '500 Internal Server Error'), whole);
    } else if (body === null) {
      send(response, plain(413, '413: Request Entity Too Large'), whole);
    } else if (at === null) {
      send(response, plain(404, '404: Not Found'), whole);
    } else {
      const reply =
        (at.api ? answerApi(settings, machine, method, at.path) : undefined) ??
        answer(settings, machine, files, request, at.path, searchParams, body);
      send(response, reply, { ...whole, cut: fault === 'cut' });
    }
  }

  function control(method: string, path: string, query: URLSearchParams) {
    if (path === '/__emulator/health') return json({ status: 'ok', emulates: 'comfyui' });
    if (method === 'POST' && path === '/__emulator/hang') {
      hanging = query.get('on') !== '0';
      return json({ hanging });
    }
    if (method === 'POST' && path === '/__emulator/restart') {
      setImmediate(() => void restart(Number(query.get('down_ms') ?? 0)));
      return json({ restarting: true });
    }
    return plain(404, '404: Not Found');
  }

  await up().catch((error: unknown) => {
    log.close();
    throw error;
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    directory,
    down,
    up,
    restart,
    hang: (on) => (hanging = on),
    async close() {
      await down();
      log.close();
      if (settings.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}
