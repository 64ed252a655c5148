import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import { createComfyClient, type ComfyClient } from '../../providers/comfyui/client.ts';
import { graphOf, longGraph } from '../comfyui.ts';
import { eventually } from '../support/eventually.ts';
import { useGpus, type TestGpu } from '../support/sprite-rig.ts';

const { space, gpu, generate } = useGpus({
  paused: { timeScale: 0.2 },
  running: { loadSeconds: 0, timeScale: 1 },
  'running-old': { loadSeconds: 0, timeScale: 1, profile: 'old' },
  behind: { loadSeconds: 0, timeScale: 1 },
  'behind-old': { loadSeconds: 0, timeScale: 1, profile: 'old' },
  urgent: { timeScale: 0.2 },
});

const clients: ComfyClient[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});

/** Somebody else who uses the same server. */
function stranger({ emulator }: TestGpu): { client: ComfyClient; submit: (graph: ComfyGraph) => Promise<string> } {
  const client = createComfyClient({ baseUrl: emulator.url });
  clients.push(client);
  return {
    client,
    async submit(graph) {
      const promptId = randomUUID();
      await client.submit({ graph, promptId });
      return promptId;
    },
  };
}

/** Runs for a moment. */
const shortGraph = (seed: number): ComfyGraph => graphOf('sdxl-sprite', { seed, steps: 2 });

/** Ids of prompts by what became of them, in order. */
function of(gpu: TestGpu, event: 'queued' | 'prompt_start'): string[] {
  return gpu.log().flatMap((row) => (row.event === event ? [row.prompt_id] : []));
}

describe.concurrent('a batch of sprites', () => {
  test('that is paused finishes what is on the GPU, gives up its turns, and goes on when it is resumed', async () => {
    const server = gpu('paused');
    const made = await generate('paused', { prompts: ['knight'], count: 12, batchSize: 1 });
    await server.untilSampling(2);
    await made.batch.signal('pause');
    const paused = await made.until(({ pause, counts }) => pause !== null && counts.running === 0);
    expect(paused.counts.pending).toBeGreaterThan(0);
    // All that was begun is stored, and nothing waits on the server.
    expect(of(server, 'queued')).toHaveLength(paused.counts.succeeded);
    expect(server.ended('success')).toHaveLength(paused.counts.succeeded);
    expect(made.images()).toHaveLength(paused.counts.succeeded);

    await made.batch.signal('resume');
    expect(await made.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 12 } });
    expect(new Set(server.ended('success')).size).toBe(12);
    expect(of(server, 'queued')).toHaveLength(12);
    expect(made.images()).toHaveLength(12);
  });

  test.each(['running', 'running-old'] as const)(
    'that is cancelled interrupts its own prompts (%s), and no other',
    async (name) => {
      const server = gpu(name);
      const other = stranger(server);
      const made = await generate(name, { prompts: ['knight'], count: 6, batchSize: 1, graph: longGraph() });
      await server.untilSampling(1);
      const theirs = [await other.submit(shortGraph(1)), await other.submit(shortGraph(2))];
      await made.batch.signal('cancel');
      const summary = await made.batch.summary();
      expect(summary).toMatchObject({ status: 'cancelled', counts: { cancelled: 6, succeeded: 0, failed: 0 } });
      await eventually(() => server.ended('success').length === 2);
      expect(server.ended('success')).toEqual(theirs);
      // Both may have begun: the second one of ours when the first was interrupted.
      const ours = of(server, 'queued').filter((id) => !theirs.includes(id));
      expect(server.ended('interrupted').length).toBeGreaterThan(0);
      expect(ours).toEqual(expect.arrayContaining(server.ended('interrupted')));
      expect(made.images()).toEqual([]);
    },
  );

  test.each(['behind', 'behind-old'] as const)(
    'that is cancelled while it waits behind others’ prompts (%s) leaves the queue, and they run on',
    async (name) => {
      const server = gpu(name);
      const other = stranger(server);
      const first = await other.submit(longGraph());
      const made = await generate(name, { prompts: ['knight'], count: 6, batchSize: 1 });
      await eventually(() => of(server, 'queued').length >= 2);
      const last = await other.submit(shortGraph(1));
      await made.batch.signal('cancel');
      expect(await made.batch.summary()).toMatchObject({ status: 'cancelled', counts: { cancelled: 6 } });
      expect(await other.client.queue()).toMatchObject({
        running: [{ promptId: first }],
        pending: [{ promptId: last }],
      });
      // Its owner has no need to see it to its end.
      await other.client.cancel(first);
      await eventually(() => server.ended('success').includes(last));
      expect(of(server, 'prompt_start')).toEqual([first, last]);
    },
  );

  test('that is urgent goes before all that is not on the GPU yet', async () => {
    const server = gpu('urgent');
    const low = await generate('urgent', { prompts: ['knight'], count: 24, batchSize: 1, priority: 'low' });
    await server.untilSampling(2);
    const urgent = await generate('urgent', { prompts: ['mage'], count: 6, batchSize: 1, priority: 'urgent' });
    await eventually(() =>
      space()
        .pool()
        .snapshot()
        .waiting.some(({ priority }) => priority === 1),
    );
    const started = of(server, 'prompt_start').length;
    await urgent.batch.summary();
    const sidecars = urgent.images().map((image) => urgent.sidecar(image.slice(0, 'sprite_0000'.length)));
    const ids = sidecars.map((sidecar) => sidecar['prompt_id']);
    const isUrgent = (id: string): boolean => ids.includes(id);
    expect(ids).toHaveLength(6);
    // Before them there is what runs, and what the server has queued behind it.
    expect(of(server, 'prompt_start').slice(started).findIndex(isUrgent)).toBeLessThanOrEqual(2);
    expect(await low.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 24 } });
    expect(new Set(server.ended('success')).size).toBe(30);
    expect(of(server, 'queued')).toHaveLength(30);
  });
});
