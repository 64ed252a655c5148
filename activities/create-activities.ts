import type { WorkflowClient } from '@temporalio/client';
import type { ModelsFile } from '../domain/models.ts';
import type { Limiter } from '../providers/limiter/limiter.ts';
import type { Ledger } from '../storage/ledger/ledger.ts';
import { createAskPerson } from './ask-person.ts';
import { awaitItem } from './await-item.ts';
import { createCheckStep } from './check-step.ts';
import { chooseModel } from './choose-model.ts';
import { createExportItem } from './export-item.ts';
import { mappingErrors } from './failure.ts';
import { finishBatch } from './finish-batch.ts';
import { batchLimiterKey } from './limiter-keys.ts';
import { createGenerateImage, type GenerateImageDeps } from './generate-image.ts';
import { ModelHealth } from './model-health.ts';
import { openRun } from './open-run.ts';
import { readPage } from './read-page.ts';
import { createRunComfy, type RunComfyDeps } from './run-comfy.ts';
import { deliverEvents, type DeliverEventsDeps } from './deliver-events.ts';
import { publishEvents } from './publish-events.ts';
import { createStageRun, type StageRun } from './stage-run.ts';
import { createSendRequest, type SendRequestDeps } from './send-request.ts';
import { createVideoActivities, type MakeVideoDeps } from './make-video.ts';
import type {
  CoreActivities,
  EventActivities,
  GpuActivities,
  LightStepActivities,
  ModelActivities,
  VideoActivities,
} from './types.ts';
import { writeResults } from './write-results.ts';
import { createWriteText, type WriteTextDeps } from './write-text.ts';

export interface CoreDeps extends SendRequestDeps, DeliverEventsDeps {
  client: WorkflowClient;
  limiter: Limiter;
  ledger: Ledger;
  models: ModelsFile;
  stageRun: StageRun;
  tellFailedRun: EventActivities['tellFailedRun'];
}

/** Activities of the `sluice` task queue. */
export function createCoreActivities(deps: CoreDeps): CoreActivities & EventActivities & LightStepActivities {
  const { client, limiter, ledger, openStore, stageRun } = deps;
  return {
    readPage: (input) => mappingErrors(() => readPage(openStore(input.storeUri), input)),
    writeResults: async (input) => {
      await mappingErrors(() => writeResults(openStore(input.storeUri), input));
      deps.observer?.itemsEnded(input.flow ?? '', input.rows);
    },
    openRun: (input) => mappingErrors(() => openRun(openStore(input.storeUri), deps.models, input)),
    finishBatch: async (input) => {
      await mappingErrors(() => finishBatch(openStore(input.summary.storeUri), input));
      limiter.forget(batchLimiterKey(input.summary.batchId));
      ledger.forgetBatchBudget(input.summary.batchId);
    },
    awaitItem: (input) => awaitItem(client, input),
    stageRun: createStageRun(stageRun),
    tellFailedRun: (input) => mappingErrors(() => deps.tellFailedRun(input)),
    publishEvents: (input) => publishEvents(client, input),
    deliverEvents: (input) => deliverEvents(deps, input),
    applyLimits: (input) => {
      const { batchId, ratePerMinute, concurrency, budgetUsd, limitsRevision: revision, holdBack } = input;
      const key = batchLimiterKey(batchId);
      limiter.setLimits(key, { requestsPerMinute: ratePerMinute, concurrency, revision });
      if (budgetUsd !== undefined) ledger.setBatchBudget(batchId, { usd: budgetUsd, revision });
      if (holdBack) limiter.refuse(key, revision);
      return Promise.resolve();
    },
    chooseModel: (input) => mappingErrors(() => Promise.resolve(chooseModel(deps, input))),
    checkStep: createCheckStep(deps),
    askPerson: createAskPerson(deps),
    exportItem: createExportItem(deps),
    sendRequest: createSendRequest(deps),
  };
}

/** Activities of the model task queues. */
export function createModelActivities(
  given: GenerateImageDeps & WriteTextDeps & MakeVideoDeps,
): ModelActivities & VideoActivities {
  const deps = { ...given, health: new ModelHealth() };
  return { writeText: createWriteText(deps), generateImage: createGenerateImage(deps), ...createVideoActivities(deps) };
}

/** Activities of the GPU task queues. */
export function createGpuActivities(deps: RunComfyDeps): GpuActivities {
  return { runComfy: createRunComfy(deps) };
}
