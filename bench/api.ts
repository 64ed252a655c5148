import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { benchDashboard } from './dashboard.ts';
import { ProcessMeter } from './process-meter.ts';
import { median, type Results } from './result.ts';
import { promptsCsv, settled, withRig, type Rig } from './rig.ts';

const created = z.looseObject({ batch_id: z.string() });
/** How long listeners are listened to, milliseconds. */
const listenMs = 20_000;

/**
 * The REST service: memory while a large file is uploaded, how long a status takes while many batches run, how soon
 * the dashboard is seen then, and what more listeners to one batch cost.
 *
 * @param items rows of the upload. @default 100000
 */
export async function benchApi(results: Results, items = 100_000): Promise<void> {
  await withRig({ emulator: { latencyMs: 10_000 } }, async (rig) => {
    const api = new Service(rig);
    await api.ask('/batches');
    await benchUpload(results, api, items);
    const batches = await benchStatus(results, api);
    await benchDashboard(results, api.url.replace(/\/api$/, ''), batches[0] ?? '');
    await benchListeners(results, api, batches[0] ?? '');
    await Promise.all(batches.map((id) => api.ask(`/batches/${id}`, { method: 'DELETE' })));
  });
}

class Service {
  readonly url: string;
  readonly meter: ProcessMeter;

  constructor({ sluice: { engine } }: Rig) {
    this.url = `${engine.apiUrl ?? ''}/api`;
    this.meter = new ProcessMeter(engine.processes.find(({ name }) => name === 'api')?.pid ?? 0);
  }

  async ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const reply = await fetch(this.url + path, init);
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${path} answered ${String(reply.status)}: ${text}`);
    return JSON.parse(text);
  }

  async create(options: Record<string, string>, csv: string): Promise<string> {
    const body = new FormData();
    for (const [name, value] of Object.entries(options)) body.set(name, value);
    body.set('file', new Blob([csv]), 'prompts.csv');
    return created.parse(await this.ask('/batches', { method: 'POST', body })).batch_id;
  }
}

async function benchUpload(results: Results, api: Service, items: number): Promise<void> {
  // Code that is loaded and compiled once is not what an upload costs.
  await api.create({ concurrency: '1', rate_limit: '1' }, promptsCsv(1_000, 0));
  await settled();
  const before = api.meter.residentMiB();
  api.meter.resetPeak();
  const startedAt = performance.now();
  const id = await api.create({ concurrency: '1', rate_limit: '1' }, promptsCsv(items, 1));
  const seconds = (performance.now() - startedAt) / 1_000;
  results.add('api', `memory over an upload of ${String(items)} rows`, api.meter.peakMiB() - before, 'MiB', {
    atMost: 50,
  });
  results.add('api', 'rows a second of an upload', items / seconds, '/s');
  await api.ask(`/batches/${id}`, { method: 'DELETE' });
}

/** @returns the batches, which still run */
async function benchStatus(results: Results, api: Service): Promise<string[]> {
  const batches: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    // The first is listened to at the end: it must still run by then, however slow the machine is.
    const csv = promptsCsv(n === 0 ? 2_000 : 200, 10 + n);
    batches.push(await api.create({ concurrency: n === 0 ? '20' : '1', rate_limit: 'null' }, csv));
  }
  await settled();
  // What is asked for the first time is no page that is looked at.
  for (const id of batches) await api.ask(`/batches/${id}`);
  const took: number[] = [];
  for (let n = 0; n < 500; n += 1) {
    const startedAt = performance.now();
    await api.ask(`/batches/${batches[n % batches.length] ?? ''}`);
    took.push(performance.now() - startedAt);
    // As pages ask, not as fast as can be.
    await delay(10);
  }
  const sorted = took.toSorted((a, b) => a - b);
  results.add('api', 'status with 20 batches running, p99', sorted[Math.floor(sorted.length * 0.99)] ?? 0, 'ms', {
    atMost: 50,
  });
  results.add('api', 'status with 20 batches running, median', median(took), 'ms');
  return batches;
}

async function benchListeners(results: Results, api: Service, batchId: string): Promise<void> {
  const one = await coreShare(api, batchId, 1);
  const many = await coreShare(api, batchId, 200);
  results.add('api', 'CPU of 200 listeners over that of one', (many - one) * 100, '% of a core', { atMost: 5 });
}

/** Share of a core the service takes with that many listeners. */
async function coreShare({ url, meter }: Service, batchId: string, listeners: number): Promise<number> {
  const leave = new AbortController();
  const open = Array.from({ length: listeners }, () => listen(`${url}/batches/${batchId}/events`, leave.signal));
  await Promise.all(open);
  await settled();
  const before = meter.cpuMs();
  const startedAt = performance.now();
  await delay(listenMs);
  const share = (meter.cpuMs() - before) / (performance.now() - startedAt);
  leave.abort();
  await settled();
  return share;
}

/** Resolves when the first bytes have come; then reads on until told to leave. */
function listen(url: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, signal }, (reply) => {
      reply.once('data', () => {
        resolve();
      });
      reply.on('error', () => undefined).resume();
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
