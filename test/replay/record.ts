import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import protobuf from '@temporalio/proto';
import type { GeminiEmulatorOptions } from '../../emulators/gemini/options.ts';
import { openNamespace } from '../support/namespace.ts';
import { atStart, Rig, rows } from '../support/rig.ts';
import { startTemporal } from '../support/temporal-server.ts';

/**
 * Records the histories of `histories/` again: `node test/replay/record.ts`. To be done when the workflows
 * have deliberately been changed so that running batches cannot be replayed, and said so in the changelog.
 */
const output = join(import.meta.dirname, 'histories');
/** In the histories: the same on every machine. */
const store = '/tmp/sluice-replay';

const server = await startTemporal();
const space = await openNamespace(server.address, server.workflowBundlePath, { workflow: [atStart] });
rmSync(output, { recursive: true, force: true });
mkdirSync(output);
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
} finally {
  await space.close();
  await server.stop();
  rmSync(store, { recursive: true, force: true });
}

async function record(name: string, emulator: GeminiEmulatorOptions, run: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = new Rig(space, space.takeModel(), join(store, name));
  try {
    await rig.emulate(emulator);
    await run(rig);
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

async function save(name: string, handle: WorkflowHandle): Promise<void> {
  const { History } = protobuf.temporal.api.history.v1;
  const history = History.toObject(History.create(await handle.fetchHistory()), { bytes: String, longs: String });
  const file = { workflowId: handle.workflowId, history };
  writeFileSync(join(output, `${name}.json`), `${JSON.stringify(file, neutral, 1)}\n`);
}

/** Leaves out what tells of the machine: who did it, and where its code lay. */
function neutral(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return '';
  return typeof value === 'string' ? value.replaceAll(`${String(process.pid)}@${hostname()}`, 'recorder') : value;
}
