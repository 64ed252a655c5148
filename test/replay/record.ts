import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { BatchHandle } from '../../client/batch-handle.ts';
import { Schedules } from '../../client/schedules.ts';
import { planSprites } from '../../client/sprites.ts';
import { answerQuestion } from '../../client/answer.ts';
import { submit } from '../../client/submit.ts';
import type { Flow } from '../../domain/flow.ts';
import { eventsWorkflowId, itemWorkflowId } from '../../domain/ids.ts';
import type { Answer } from '../../domain/question.ts';
import { startComfyEmulator } from '../../emulators/comfyui/server.ts';
import type { GeminiEmulatorOptions } from '../../emulators/gemini/options.ts';
import { eventually } from '../support/eventually.ts';
import { openNamespace } from '../support/namespace.ts';
import { recordFlows } from './record-flows.ts';
import { startReceiver } from '../support/receiver.ts';
import { recordVideo } from './record-video.ts';
import { saveHistory as save } from './save-history.ts';
import { atStart, Rig, rows } from '../support/rig.ts';
import { startTemporal } from '../support/temporal-server.ts';

/**
 * Records the histories that are missing in `histories/`: `node test/replay/record.ts`. Names after it (`plain`,
 * `sprite`, …) make only those runs, e.g. of a kind that is new. What is there stays as it is: it is only deleted,
 * to be recorded anew, when the workflows have deliberately been changed so that running batches cannot be replayed,
 * and the changelog says so. Those of shipped flows: `record-shipped.ts`.
 */
const only = process.argv.slice(2);
const isWanted = (name: string): boolean => only.length === 0 || only.includes(name);
/** In the histories: the same on every machine. */
const store = '/tmp/sluice-replay';

const askingFlow: Flow = {
  name: 'draw-until-liked',
  steps: [
    {
      id: 'rounds',
      repeat: { atMost: 3, until: 'steps.approval == nil or steps.approval.approved' },
      steps: [
        { id: 'draw', uses: 'image', with: { prompt: '{{ item.prompt }}, round {{ loop.round }}' } },
        {
          id: 'approval',
          uses: 'approve',
          when: 'item.prompt contains "ask"',
          with: {
            question: 'Keep it?',
            image: '{{ steps.draw.path }}',
            time_limit_hours: '{{ item.hours | times: 1 }}',
            default: 'approve',
          },
        },
      ],
    },
  ],
};

const server = await startTemporal();
const gpu = await startComfyEmulator({ timeScale: 0.01 });
const gpus = [{ name: 'gpu', url: gpu.url, classes: ['any'] }];
const space = await openNamespace(server.address, server.workflowBundlePath, { workflow: [atStart] }, gpus);
try {
  await record('plain', {}, async (rig) => {
    await rig.submit(rows(3), { spec: { limits: { concurrency: 2 } } });
    await rig.summary();
    await save('plain', rig.workflow);
  });

  const hang = { prompt: 'never', fault: 'hang' as const };
  await record('continued', { faults: { rules: [hang] } }, async (rig) => {
    await rig.submit(rows(9, { 1: 'never' }), { spec: { limits: { concurrency: 3 } }, maxHistoryEvents: 60 });
    await rig.until(({ counts }) => counts.succeeded === 8);
    await rig.emulate();
    await rig.summary();
    await saveRuns('continued', rig);
  });

  const refused = { prompt: 'bad', fault: 'safety' as const, times: 2 };
  await record('controlled', { faults: { rules: [refused, { ...hang, times: 1 }] } }, async (rig) => {
    await rig.submit(rows(6, { 1: 'bad 1', 2: 'bad 2', 3: 'never' }), {
      spec: { limits: { concurrency: 2, ratePerMinute: 300, toleratedFailure: { count: 1 } } },
    });
    await rig.until(({ pause }) => pause !== null);
    await rig.batch.setLimits({ concurrency: 3, ratePerMinute: null });
    await rig.batch.signal('resume');
    await rig.until(({ counts }) => counts.succeeded === 3);
    await rig.batch.signal('pause');
    await rig.batch.redrive({ select: 'failed' });
    await rig.batch.signal('resume');
    await rig.until(({ counts }) => counts.succeeded === 5);
    await rig.emulate();
    await rig.summary();
    await save('controlled', rig.workflow);
  });

  await record('budget', {}, async (rig) => {
    await rig.submit(rows(2), { spec: { limits: { concurrency: 1, budgetUsd: 0.15 } } });
    await rig.untilPaused();
    await rig.batch.setLimits({ budgetUsd: null });
    await rig.batch.signal('resume');
    await rig.summary();
    await save('budget', rig.workflow);
  });

  await record('cancelled', { latencyMs: 1_500 }, async (rig) => {
    await rig.submit(rows(5), { spec: { limits: { concurrency: 2 } } });
    await rig.untilCalled(2);
    await rig.workflow.cancel();
    await rig.summary();
    await save('cancelled', rig.workflow);
  });

  const rules = [
    { prompt: 'shy', fault: 'text_only' as const, times: 2 },
    { prompt: 'bad', fault: 'safety' as const, times: 1 },
  ];
  await record('retried', { faults: { rules } }, async (rig) => {
    await rig.submit(rows(3, { 1: 'shy', 2: 'bad' }));
    await rig.summary();
    await save('item-retried', rig.item('a1'));
    await save('item-failed', rig.item('a2'));
    await rig.retry();
    await rig.summary();
    await save('reopened', rig.workflow);
  });

  // Two rejections at once while an item still runs.
  await record('reviewed', { faults: { rules: [hang] } }, async (rig) => {
    await rig.submit(rows(3, { 3: 'never' }));
    await rig.until(({ counts }) => counts.succeeded === 2);
    await Promise.all([rig.reject('a1', 'bluer'), rig.reject('a2')]);
    await rig.until(({ counts }) => counts.succeeded === 2 && counts.pending === 0);
    await rig.emulate();
    await rig.summary();
    await save('reviewed', rig.workflow);
  });

  // `approved`, `rejected` (and drawn again), `timed-out`, and one whose batch has continued as new meanwhile.
  await record('asked', {}, async (rig) => {
    const special = { 1: 'ask, then approve', 2: 'ask, then reject', 3: 'ask, then wait', 4: 'ask late' };
    const spec = { interactive: true, cache: false, limits: { concurrency: 2 } };
    const input = rows(30, special).map((row, place) => ({ ...row, hours: place === 2 ? '0.0003' : '1' }));
    await rig.submit(input, { flow: askingFlow, spec, maxHistoryEvents: 100 });
    const answer = async (itemId: string, given: Answer): Promise<void> => {
      const item = { batchId: rig.batchId, itemId };
      await eventually(() => answerQuestion(space.client, item, given).then(() => true));
    };
    await answer('a1', { decision: 'approve', note: 'Good.', question: 'approval-1' });
    await answer('a2', { decision: 'reject', note: 'more sea', question: 'approval-1' });
    await answer('a2', { decision: 'approve', question: 'approval-2' });
    await rig.until(({ counts }) => counts.succeeded === 29);
    await answer('a4', { decision: 'approve' });
    await rig.summary();
    for (const [place, name] of ['approved', 'rejected', 'timed-out', 'answered-later'].entries()) {
      await save(`item-${name}`, rig.item(`a${String(place + 1)}`));
    }
    await saveRuns('asked', rig);
  });

  if (isWanted('told')) await recordTold();
  if (isWanted('scheduled')) await recordScheduled();
  if (isWanted('sprite')) await recordSprite();
  if (isWanted('flow')) await recordFlows(space, join(store, 'flow'), save);
  if (isWanted('video')) await recordVideo(space, join(store, 'video'), save);
} finally {
  await space.close();
  await gpu.close();
  await server.stop();
  rmSync(store, { recursive: true, force: true });
}

async function record(name: string, emulator: GeminiEmulatorOptions, run: (rig: Rig) => Promise<void>): Promise<void> {
  if (!isWanted(name)) return;
  const rig = new Rig(space, space.takeModel(), join(store, name));
  try {
    await rig.emulate(emulator);
    await run(rig);
  } finally {
    await rig.close();
  }
}

async function recordSprite(): Promise<void> {
  const { client, models, directory: home } = space;
  const wish = { prompts: ['knight', 'mage'], count: 2, batchSize: 2, seed: 1, output: join(store, 'sprite') };
  const { submit: options } = await planSprites(home, wish);
  const engine = { home, address: '', namespace: client.options.namespace };
  const { batchId } = await submit({ engine, client, models, live: new Set(['comfyui']) }, options);
  await new BatchHandle(client, batchId).summary();
  await save('sprite', client.workflow.getHandle(batchId));
  await save('item-sprite', client.workflow.getHandle(itemWorkflowId(batchId, 'sprite-0001')));
}

async function recordTold(): Promise<void> {
  const receiver = await startReceiver();
  const rig = new Rig(space, space.takeModel(), join(store, 'told'));
  try {
    const target = { name: 'told', url: receiver.url, batches: 'named', events: ['batch.completed', 'item.succeeded'] };
    writeFileSync(join(space.directory, 'config.yaml'), JSON.stringify({ webhooks: [target] }));
    await rig.emulate();
    receiver.answer(503);
    await rig.submit(rows(3), { spec: { webhooks: ['told'] } });
    await rig.batch.signal('pause');
    await rig.batch.signal('resume');
    await rig.summary();
    await eventually(() => receiver.received.length > 1);
    receiver.answer(204);
    const events = space.client.workflow.getHandle(eventsWorkflowId(rig.batchId));
    await events.result();
    await save('told', rig.workflow);
    await save('told-events', events);
  } finally {
    await rig.close();
    await receiver.close();
  }
}

async function recordScheduled(): Promise<void> {
  const rig = new Rig(space, space.takeModel(), join(store, 'scheduled'));
  try {
    await rig.emulate();
    const input = join(rig.directory, 'prompts.csv');
    writeFileSync(input, 'id,prompt\na1,picture 1\na2,picture 2\n');
    const schedules = new Schedules(
      space.client,
      { live: new Set(['comfyui']), models: space.models },
      space.directory,
    );
    const spec = { model: rig.model, limits: { ratePerMinute: null } };
    await schedules.create({ id: 'recorded', input, output: rig.output, cron: ['0 0 1 1 *'], spec });
    await schedules.backfill('recorded', { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' });
    const run = space.client.workflow.getHandle('recorded/run-2026-01-01T00:00:00Z');
    await eventually(async () => (await run.describe()).status.name === 'COMPLETED');
    await save('scheduled', run);
    rmSync(input);
    await schedules.backfill('recorded', { from: '2027-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' });
    const failed = space.client.workflow.getHandle('recorded/run-2027-01-01T00:00:00Z');
    await eventually(async () => (await failed.describe()).status.name === 'FAILED');
    await save('scheduled-failed', failed);
  } finally {
    await rig.close();
  }
}

/** Saves every run of a batch that continued as new, the last one first. */
async function saveRuns(name: string, rig: Rig): Promise<void> {
  const { firstExecutionRunId } = await rig.workflow.describe().then(({ raw }) => ({
    firstExecutionRunId: raw.workflowExecutionInfo?.firstRunId ?? '',
  }));
  let runId: string | null | undefined = firstExecutionRunId;
  for (let run = 1; runId; run++) {
    const handle: WorkflowHandle = space.client.workflow.getHandle(rig.batchId, runId);
    const { events } = await handle.fetchHistory();
    await save(`${name}-${String(run)}`, handle);
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
}
