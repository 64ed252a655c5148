import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPort } from '../../client/engine/ports.ts';
import { startGeminiEmulator, type GeminiEmulator } from '../../emulators/gemini/server.ts';
import { eventually } from '../support/eventually.ts';
import { Exposition } from '../support/exposition.ts';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { Served } from './served.ts';

const root = join(import.meta.dirname, '..', '..');
const prompt = 'a cat that nobody else is to hear of';
const secret = 'a-password-of-the-receiver';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerSpan = 'b7ad6b7169203331';

const key = 'a-key-of-the-vendor';
const model = { provider: 'gemini', model: 'gemini-2.5-flash-image', mode: 'live' };

let receiver: OtlpReceiver;
let gemini: GeminiEmulator;
let served: Served;
let workerMetrics: string;
let batchId: string;
let service: Exposition;
let worker: Exposition;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  workerMetrics = `127.0.0.1:${String(await findPort('127.0.0.1', 0))}`;
  // It answers some in words, and quotes them.
  const faults = { rules: [{ prompt: 'parrot', fault: 'text_only' as const }] };
  gemini = await startGeminiEmulator({ latencyMs: 20, models: [model.model], faults });
  served = await Served.start({
    GEMINI_API_KEY: key,
    GEMINI_BASE_URL: gemini.url,
    SLUICE_WORKER_METRICS: workerMetrics,
    SLUICE_LOG_LEVEL: 'debug',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${secret}`,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  const body = {
    items: [
      { id: 'one', prompt },
      { id: 'two', prompt: 'a dog' },
      { id: 'shy', prompt: 'a parrot that nobody else is to hear of' },
    ],
    project: 'pets',
  };
  const { json } = await served.post('/batches', body, { traceparent: `00-${traceId}-${callerSpan}-01` });
  batchId = json.batch_id;
  await served.ask(`/batches/${batchId}/events`);
  await served.sandbox.sluice(['generate', '--prompt', 'a knight', '--count', '1', '--wait', '-o', 'sprites']);
  await scrape();
});
afterAll(async () => {
  await served.dispose();
  await gemini.close();
  receiver.close();
});

async function jobs() {
  const { json } = await served.ask(`/batches/${batchId}/jobs`);
  return json.data as unknown as { request_id: string; output_tokens: number; cost_usd: number }[];
}

async function scrape(): Promise<void> {
  service = new Exposition((await served.ask('/metrics')).text);
  worker = new Exposition(await (await fetch(`http://${workerMetrics}/metrics`)).text());
}

describe('traces', () => {
  const ownSpans = (): ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);

  test('a request, its workflows, their activities and the calls of providers are one trace', async () => {
    const call = await eventually(() =>
      ownSpans().find(
        ({ attributes }) => attributes['gen_ai.operation.name'] && attributes['sluice.item_id'] === 'one',
      ),
    );
    // The workflow of the batch ends last.
    await eventually(() => ownSpans().some(({ name }) => name === 'RunWorkflow:batchWorkflow'));
    const above = (span: ReceivedSpan): ReceivedSpan[] => {
      const parent = ownSpans().find(({ spanId }) => spanId === span.parentSpanId);
      return parent === undefined ? [span] : [...above(parent), span];
    };
    const path = above(call);
    expect(path.map(({ name, service: from }) => `${String(from)}: ${name}`)).toEqual([
      'sluice-api: POST /api/batches',
      'sluice-api: StartWorkflow:batchWorkflow',
      'sluice-worker: RunWorkflow:batchWorkflow',
      'sluice-worker: RunWorkflow:itemWorkflow',
      'sluice-worker: StartActivity:generateImage',
      'sluice-worker: RunActivity:generateImage',
      'sluice-worker: generate_content gemini-2.5-flash-image',
    ]);
    expect(path[0]).toMatchObject({
      parentSpanId: callerSpan,
      attributes: { 'http.route': '/api/batches', 'http.response.status_code': 201 },
    });
    expect(call.attributes).toMatchObject({
      'gen_ai.provider.name': 'gcp.gemini',
      'gen_ai.system': 'gemini',
      'gen_ai.request.model': 'gemini-2.5-flash-image',
      'gen_ai.usage.output_tokens': (await jobs()).find(({ request_id: id }) => id === 'one')?.output_tokens,
      'sluice.batch_id': batchId,
      'sluice.cost_usd': expect.any(Number),
    });
    for (const { startTimeUnixNano: from, endTimeUnixNano: to } of path)
      expect(BigInt(to)).toBeGreaterThanOrEqual(BigInt(from));
  });

  test('neither prompts nor keys are in them, and the receiver is told what its own variables say', () => {
    expect(receiver.bodies.join('')).not.toContain('nobody else');
    const failed = ownSpans().filter(({ attributes }) => attributes['error.type'] === 'NO_OUTPUT');
    expect(new Set(failed.map(({ name, status }) => `${name} ${String(status.code)}`))).toEqual(
      new Set([
        'RunWorkflow:itemWorkflow 2',
        'StartActivity:generateImage 2',
        'RunActivity:generateImage 2',
        'generate_content gemini-2.5-flash-image 2',
      ]),
    );
    for (const hidden of [secret, key]) expect(receiver.bodies.join('')).not.toContain(hidden);
    expect(receiver.headers[0]).toMatchObject({ 'x-api-key': secret });
  });

  test('a run of a schedule is one trace from its staging on', async () => {
    const file = served.sandbox.prompts('in.csv', 1);
    await served.sandbox.sluice(['schedule', 'create', 'nightly', file, '-o', 'nightly', '--cron', '0 2 1 1 *']);
    await served.post('/schedules/nightly/run', {});
    const staged = await eventually(() => receiver.spans.find(({ name }) => name === 'RunActivity:stageRun'));
    await eventually(() =>
      receiver.spans.some((span) => span.name === 'RunWorkflow:batchWorkflow' && span.traceId === staged.traceId),
    );
  });

  test('a command loads nothing of OpenTelemetry unless it is to send traces, and then begins one', async () => {
    const count = `process.getBuiltinModule('module')._cache`;
    const hook = `process.on('exit',()=>console.error('otel='+Object.keys(${count}).filter((k)=>k.includes('opentelemetry')).length))`;
    const file = served.sandbox.prompts('cli.csv', 1);
    const run = async (env: Record<string, string>, output: string): Promise<string> => {
      const node = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`];
      const args = ['batch', 'create', file, '-o', output, '--idempotency-key', output];
      const { status, stderr } = await served.sandbox.sluice(args, { env, node });
      expect(status, stderr).toBe(0);
      return /otel=\d+/.exec(stderr)?.[0] ?? stderr;
    };
    expect(await run({}, 'quiet')).toBe('otel=0');
    expect(await run({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, 'traced')).not.toBe('otel=0');
    const begun = await eventually(() => receiver.spans.find(({ service: from }) => from === 'sluice-cli'));
    expect(begun.name).toBe('StartWorkflow:batchWorkflow');
    expect(begun.parentSpanId).toBeUndefined();
  });
});

describe('metrics', () => {
  test('the worker counts items, calls, what they cost, and GPUs', async () => {
    const rows = await jobs();
    const tokens = rows.reduce((sum, row) => sum + row.output_tokens, 0);
    const cost = rows.reduce((sum, row) => sum + row.cost_usd, 0);
    expect(worker.value('sluice_items_total', { flow: 'image', status: 'succeeded', code: '' })).toBe(2);
    expect(worker.value('sluice_items_total', { flow: 'image', status: 'failed', code: 'NO_OUTPUT' })).toBe(1);
    expect(worker.value('sluice_provider_calls_total', { ...model, code: 'OK' })).toBe(2);
    expect(worker.value('sluice_provider_calls_total', { ...model, code: 'NO_OUTPUT' })).toBe(3);
    expect(worker.value('sluice_provider_call_duration_seconds_count', model)).toBe(5);
    expect(worker.value('sluice_limiter_wait_seconds_count', model)).toBe(5);
    expect(worker.value('sluice_provider_tokens_total', { ...model, direction: 'output' })).toBe(tokens);
    expect(worker.value('sluice_provider_cost_usd_total', model)).toBeCloseTo(cost, 5);
    expect(worker.value('sluice_provider_images_total', model)).toBe(2);
    expect(worker.value('sluice_provider_images_total', { provider: 'comfyui' })).toBe(1);
    expect(worker.value('sluice_gpu_busy_seconds_total', { endpoint: 'emulated' })).toBeGreaterThan(0);
    expect(worker.value('sluice_gpu_up', { endpoint: 'emulated' })).toBe(1);
  });

  test('the service counts requests by route, and says how the engine stands', async () => {
    const created = { method: 'POST', route: '/api/batches', status: '201' };
    expect(service.value('sluice_api_requests_total', created)).toBe(1);
    expect(service.value('sluice_api_request_duration_seconds_count', { method: 'POST', route: '/api/batches' })).toBe(
      1,
    );
    // A stream of events lasts as long as somebody listens.
    const events = { method: 'GET', route: '/api/batches/:id/events' };
    expect(service.value('sluice_api_requests_total', { ...events, status: '200' })).toBe(1);
    expect(service.value('sluice_api_request_duration_seconds_count', events)).toBeUndefined();
    expect(service.value('sluice_engine_up')).toBe(1);
    for (const process of ['server', 'emulator', 'worker', 'api']) {
      expect(service.value('sluice_engine_process_up', { process })).toBe(1);
    }
    const { json } = await served.post('/batches', { items: [{ prompt: 'x' }, { prompt: 'y' }], rate_limit: 1 });
    const listening = new AbortController();
    const { body } = await fetch(`${served.url}/api/batches/${json.batch_id}/events`, { signal: listening.signal });
    await body?.getReader().read();
    await eventually(async () => {
      await scrape();
      return service.value('sluice_batches', { state: 'running' }) === 1;
    });
    expect(service.value('sluice_api_event_listeners')).toBe(1);
    listening.abort();
    await served.ask(`/batches/${json.batch_id}`, { method: 'DELETE' });
  });

  test('no label tells of single batches', () => {
    const labels = [...service.samples, ...worker.samples].flatMap((sample) => Object.values(sample.labels));
    expect(labels.filter((label) => label.includes(batchId) || label.includes('batch_2'))).toEqual([]);
  });

  const docs = readFileSync(join(root, 'docs', 'observability.md'), 'utf8');
  const listed = [...docs.matchAll(/^\| `(sluice_\w+)` +\| (\w+) +\| ([^|]*?) *\|/gm)].map(
    ([, name = '', type = '', labels = '']) => ({ name, type, labels: [...labels.matchAll(/\w+/g)].flat() }),
  );

  test('the table in the documentation lists exactly what there is', () => {
    const there = [service, worker].flatMap((page) =>
      [...page.types]
        .filter(([name]) => name.startsWith('sluice_'))
        .map(([name, type]) => ({ name, type, labels: page.labelsOf(name) })),
    );
    const named = (metrics: { name: string; type: string }[]) =>
      metrics.map(({ name, type }) => `${name} ${type}`).sort();
    expect(named(listed)).toEqual(named(there));
    for (const { name, labels } of there) {
      // What has no sample yet shows no labels.
      if (labels.length > 0) expect(listed.find((metric) => metric.name === name)?.labels, name).toEqual(labels);
    }
  });

  test('every metric and label that the dashboard for Grafana names is in a real scrape', () => {
    const text = readFileSync(join(root, 'examples', 'grafana', 'sluice.json'), 'utf8');
    const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string; legendFormat: string }[] }[] };
    const targets = panels.flatMap((panel) => panel.targets ?? []);
    const samples = [...service.samples, ...worker.samples];
    const names = new Set([...samples.map(({ name }) => name), ...service.types.keys(), ...worker.types.keys()]);
    const labels = new Set([
      ...samples.flatMap((sample) => Object.keys(sample.labels)),
      ...listed.flatMap((metric) => metric.labels),
      // Added by who scrapes.
      ...['job', 'instance'],
    ]);
    const named = targets.flatMap(({ expr }) => [...expr.matchAll(/\b(?:sluice|temporal|process|nodejs)_\w+/g)].flat());
    const grouped = targets.flatMap(({ expr }) =>
      [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, by = '']) => by.split(', ')),
    );
    const matched = targets.flatMap(({ expr }) => [...expr.matchAll(/(\w+)=~?"/g)].map(([, label = '']) => label));
    const shown = targets.flatMap(({ legendFormat }) =>
      [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
    expect([...grouped, ...matched, ...shown].filter((label) => !labels.has(label))).toEqual([]);
  });

  test('a token of one project does not see what is of all', async () => {
    const { stdout } = await served.sandbox.sluice(['token', 'create', 'pets', '--role', 'admin', '--project', 'pets']);
    const authorization = `Bearer ${
      stdout
        .trim()
        .split(/\s+/)
        .find((word) => word.startsWith('sluice_')) ?? ''
    }`;
    expect(await served.ask('/metrics')).toMatchObject({ status: 401 });
    expect(await served.ask('/metrics', { headers: { authorization } })).toMatchObject({ status: 403 });
    await served.sandbox.sluice(['token', 'revoke', 'pets']);
  });
});

describe('logs', () => {
  const linesOf = (name: string): Record<string, unknown>[] =>
    readFileSync(join(served.sandbox.home, 'logs', `${name}.log`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('each line says of which batch and item it is, and in which trace it was written', () => {
    const api = linesOf('api');
    expect(api).toContainEqual(
      expect.objectContaining({ msg: 'batch created', batch_id: batchId, total: 3, trace_id: traceId }),
    );
    expect(api).toContainEqual(
      expect.objectContaining({ msg: 'request', path: '/api/batches', status: 201, trace_id: traceId }),
    );
    const log = linesOf('worker');
    expect(log).toContainEqual(
      expect.objectContaining({
        level: 30,
        msg: 'batch failed',
        batch_id: batchId,
        workflow_id: batchId,
        succeeded: 2,
      }),
    );
    expect(log).toContainEqual(
      expect.objectContaining({
        msg: 'Activity completed',
        batch_id: batchId,
        item_id: 'one',
        workflow_id: `${batchId}/one`,
        activity_type: 'generateImage',
        attempt: 1,
        trace_id: traceId,
      }),
    );
  });

  test('no secret stands in them', () => {
    for (const name of ['api', 'worker']) {
      for (const hidden of [secret, key]) expect(JSON.stringify(linesOf(name))).not.toContain(hidden);
    }
  });
});
