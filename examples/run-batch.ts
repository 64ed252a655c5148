/**
 * Runs a batch from TypeScript. In a checkout: `node examples/run-batch.ts [input] [directory]`
 * (in a project of your own, import from 'sluice').
 */
import { loadModels, parseInput, Sluice } from '../client/index.ts';

const [path = 'examples/prompts.csv', output = 'out'] = process.argv.slice(2);

const sluice = await Sluice.connect({ notice: console.error });
try {
  // Optional: look at the items first. Nothing is started, and a bad row never ends it.
  for await (const parsed of parseInput({ path }, { models: await loadModels(sluice.engine.home) })) {
    if (!parsed.ok) console.log(`row ${String(parsed.rejected.rowNumber)} is no item: ${parsed.rejected.message}`);
  }

  const batch = await sluice.submit({ input: { path }, output, spec: { limits: { concurrency: 5 } } });

  // Results as they complete; a failed item never ends the others.
  const results = sluice.watch(batch.batchId, { fromRow: batch.fromRow });
  for await (const row of results) console.log(row.status, row.request_id, row.output_path ?? row.error_message);

  const summary = await sluice.status(batch.batchId);
  console.log(`${String(summary.succeeded)} of ${String(summary.total)} made, ${summary.cost_usd.toFixed(2)} USD`);
} finally {
  await sluice.close();
}
