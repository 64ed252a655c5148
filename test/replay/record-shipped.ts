/**
 * Program: records a batch and its one item of each shipped flow that has no history yet, in an engine of its own
 * with emulators: `node test/replay/record-shipped.ts`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { BatchHandle } from '../../client/batch-handle.ts';
import { stopEngine } from '../../client/engine/ensure-engine.ts';
import { Sluice } from '../../client/sluice.ts';
import { itemWorkflowId } from '../../domain/ids.ts';
import { isRecorded, saveHistory } from './save-history.ts';

/** In the histories: the same on every machine. */
const store = '/tmp/sluice-replay';
const home = join(store, 'home');

/** The one row of each flow, and its parameters. The book is made of what `chapter` wrote before. */
const items: Record<string, { row: Record<string, unknown>; parameters?: Record<string, number> }> = {
  image: { row: { prompt: 'a lighthouse at dawn' } },
  character: { row: { role: 'rival', genre: 'fantasy' } },
  outline: { row: { title: 'Salt', premise: 'A town sells its harbour.', chapters: 2 } },
  qc: { row: { text: 'The tide came in.', brief: 'The tide comes in.' }, parameters: { min_words: 3 } },
  chapter: { row: { title: 'Tide', summary: 'The tide comes in.', genre: 'mystery' }, parameters: { words: 30 } },
  export: { row: { title: 'Salt', chapters: join(store, 'chapter') } },
  video: { row: { prompt: 'waves', seconds: 4 } },
};

const isMissing = (flow: string): boolean => !isRecorded(`shipped-${flow}`);

rmSync(store, { recursive: true, force: true });
const sluice = await Sluice.connect({ home, keys: 'engine' });
const connection = await Connection.connect({ address: sluice.engine.address });
const client = new Client({ connection, namespace: sluice.engine.namespace });
try {
  for (const [flow, { row, parameters = {} }] of Object.entries(items)) {
    if (!isMissing(flow) && !(flow === 'chapter' && isMissing('export'))) continue;
    const { batchId } = await sluice.submit({
      input: { text: `${JSON.stringify({ id: 'one', ...row })}\n` },
      format: 'jsonl',
      output: join(store, flow),
      batchId: `shipped-${flow}`,
      spec: { flow, parameters },
    });
    await record(flow, batchId, 'one');
  }
  if (isMissing('sprite')) {
    const output = join(store, 'sprite');
    const { submission } = await sluice.generate({ prompts: ['knight'], count: 1, seed: 1, output });
    await record('sprite', submission.batchId, 'sprite-0001');
  }
} finally {
  await connection.close();
  await sluice.close();
  await stopEngine(home);
  rmSync(store, { recursive: true, force: true });
}

async function record(flow: string, batchId: string, itemId: string): Promise<void> {
  const { status, mode } = await new BatchHandle(client, batchId).summary();
  console.log(`${flow}: ${status}, ${mode}`);
  await saveHistory(`shipped-${flow}-item`, client.workflow.getHandle(itemWorkflowId(batchId, itemId)));
  await saveHistory(`shipped-${flow}`, client.workflow.getHandle(batchId));
}
