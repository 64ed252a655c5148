import { describe, expect, test } from 'vitest';
import { longGraph } from '../comfyui.ts';
import { eventually } from '../support/eventually.ts';
import { useGpus } from '../support/sprite-rig.ts';

const { space, gpu, generate } = useGpus({
  restarted: { timeScale: 0.1 },
  away: { timeScale: 0.1, gpuClass: 'pair' },
  there: { timeScale: 0.1, gpuClass: 'pair' },
  // A prompt takes so long that the server still has it when it answers again.
  hanging: { timeScale: 1, loadSeconds: 0, gpuClass: 'couple' },
  answering: { timeScale: 0.01, gpuClass: 'couple' },
});

const healthOf = (name: string) =>
  space()
    .pool()
    .snapshot()
    .endpoints.find((endpoint) => endpoint.name === name)?.health;

describe.concurrent('a batch of sprites', () => {
  test('outlives restarts of its only server: what was lost is sent again, and nothing else', async () => {
    const server = gpu('restarted');
    // An attempt lost to a restart would fail its item.
    const spec = { retry: { maxAttempts: 1 } };
    const made = await generate('restarted', { prompts: ['knight'], count: 8, batchSize: 1, spec });
    for (const sampled of [3, 6]) {
      await server.untilSampling(sampled);
      await server.emulator.restart(50);
    }
    expect(await made.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 8 } });
    const finished = server.ended('success');
    expect(made.images()).toHaveLength(8);
    expect(finished).toHaveLength(8);
    expect(server.ended('lost').length).toBeLessThanOrEqual(2);
    // A prompt that is sent again has an id of its own; what had finished is not among them.
    const started = server.log().filter(({ event }) => event === 'prompt_start');
    expect(started).toHaveLength(8 + server.ended('lost').length);
    const told = Array.from({ length: 8 }, (_, n) => made.sidecar(`sprite_000${String(n + 1)}`)['prompt_id']);
    expect(new Set(told)).toEqual(new Set(finished));
  });

  test('goes on elsewhere when a server is gone, and comes back to it when it is up again', async () => {
    const wish = { prompts: ['knight'], count: 10, batchSize: 1, spec: { retry: { maxAttempts: 1 } } };
    const first = await generate('pair', wish);
    await gpu('away').untilSampling(1);
    await gpu('away').emulator.down();
    expect(await first.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 10 } });
    expect(first.images()).toHaveLength(10);
    const before = gpu('away').ended('success').length;
    expect(before + gpu('there').ended('success').length).toBe(10);

    await gpu('away').emulator.up();
    await eventually(() => healthOf('away') === 'alive');
    const second = await generate('pair', wish);
    expect(await second.batch.summary()).toMatchObject({ status: 'succeeded' });
    expect(gpu('away').ended('success').length).toBeGreaterThan(before);
    expect(gpu('away').ended('success').length + gpu('there').ended('success').length).toBe(20);
  });

  test('goes on elsewhere when a server hangs, and takes back what it left there', async () => {
    const wish = { prompts: ['knight'], batchSize: 1, spec: { retry: { maxAttempts: 1 } } };
    const { emulator, ended, log, untilSampling } = gpu('hanging');
    // The other one, which is fast, would do all of it alone.
    await eventually(() => healthOf('hanging') === 'alive');
    const first = await generate('couple', { ...wish, count: 6, graph: longGraph() });
    await untilSampling(1);
    emulator.hang(true);
    expect(await first.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 6 } });
    expect(gpu('answering').ended('success')).toHaveLength(6);
    const left = log().flatMap((row) => (row.event === 'queued' ? [row.prompt_id] : []));

    emulator.hang(false);
    await eventually(() => healthOf('hanging') === 'alive');
    // The only one that is left: it takes work again, and first takes back what it has of others.
    await gpu('answering').emulator.down();
    const second = await generate('couple', { ...wish, count: 1 });
    expect(await second.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
    // An interrupt acts between two nodes, and a node takes seconds here.
    await eventually(() => ended('interrupted').length > 0);
    expect(ended('interrupted')).toEqual(left.slice(0, 1));
    const begun = log().flatMap((row) => (row.event === 'prompt_start' ? [row.prompt_id] : []));
    expect(begun).not.toContain(left[1]);
    expect(ended('success').filter((id) => left.includes(id))).toEqual([]);
    expect(ended('success')).toHaveLength(1);
    expect(gpu('answering').ended('success')).toHaveLength(6);
  });
});
