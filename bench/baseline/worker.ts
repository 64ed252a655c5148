import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createModelActivities } from '../../activities/create-activities.ts';
import { readPage } from '../../activities/read-page.ts';
import type { CoreActivities } from '../../activities/types.ts';
import { loadModels } from '../../client/models.ts';
import { createLimiter } from '../../providers/limiter/limiter.ts';
import { Ledger } from '../../storage/ledger/ledger.ts';
import { openStore } from '../../storage/open-store.ts';
import { createProviders } from '../../workers/providers.ts';

/**
 * The baseline's worker process: Temporal's sliding-window sample with the worker's default settings,
 * and our own activities, so that both sides make the same calls and write the same files.
 */
const [home = '', address = '', namespace = '', geminiBaseUrl = '', taskQueue = ''] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('WARN') });
const connection = await NativeConnection.connect({ address });
const limiter = createLimiter({ path: join(home, 'baseline-limits.sqlite') });
const ledger = new Ledger({ path: join(home, 'baseline-ledger.sqlite') });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowsPath: join(import.meta.dirname, 'workflows.ts'),
  activities: {
    ...createModelActivities({
      models: await loadModels(home),
      limiter,
      ledger,
      openStore,
      http: { allow: [] },
      providers: createProviders({
        credentials: { gemini: { apiKey: 'bench', baseUrl: geminiBaseUrl } },
        emulatorUrl: undefined,
      }),
    }),
    readPage: (input) => readPage(openStore(input.storeUri), input),
  } satisfies Partial<CoreActivities> & object,
});
process.once('disconnect', () => {
  worker.shutdown();
});
process.send?.('ready');
await worker.run();
limiter.close();
ledger.close();
await connection.close();
