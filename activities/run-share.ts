import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { ComfyGraph } from '../domain/comfy-graph.ts';
import type { ComfyWork } from '../domain/comfy-work.ts';
import type { CollectedOutput } from '../providers/comfyui/collect.ts';
import { runPrompt, type PromptProgress } from '../providers/comfyui/run-prompt.ts';
import type { GpuLease } from '../providers/gpu-pool/types.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { Attempt } from './attempt.ts';
import { promptFor, type ComfyPrompt, type Share } from './comfy-prompt.ts';
import { codeOf, providerCallOf, type CallOutcome } from './observer.ts';
import { callTimeoutMs } from './item-time.ts';
import { promptTimeLimit } from './prompt-time-limit.ts';
import { readItem } from './read-page.ts';
import { isShutdown } from './shutdown-signal.ts';
import { readSource, type SourceImageDeps } from './source-image.ts';
import { requireRoom } from './store-paid.ts';
import type { StepDeps } from './step-work.ts';

interface RunShareDeps extends Pick<StepDeps, 'stopping' | 'observer'>, SourceImageDeps {
  pollMs?: number;
  patienceMs?: number | undefined;
}

interface ShareRun {
  work: ComfyWork;
  graph: ComfyGraph;
  lease: GpuLease;
  share: Share;
  /** See `runPrompt`. */
  submission: number;
}

/**
 * Runs the prompt of a share to its end on the leased endpoint, or collects it if it ran before. Where it is
 * is noted in the heartbeat before it is sent, so that the next attempt looks for it there.
 */
export async function runShare(
  deps: RunShareDeps,
  attempt: Attempt,
  { work, graph, lease, share, submission }: ShareRun,
): Promise<{ prompt: ComfyPrompt; promptId: string; outputs: CollectedOutput[]; runMs: number | null }> {
  const { input, item, log, store } = attempt;
  await readItem(store, input.ref);
  await requireRoom(store);
  const source = await uploadSource(deps, attempt, lease);
  const prompt = promptFor(graph, input.batchId, item, work, share, source);
  const { signal, running, done } = promptTimeLimit(callTimeoutMs(attempt), attempt.signal);
  const note = (submission: number, step: { value: number; max: number } | null): void => {
    log.prompt = { endpoint: lease.endpoint.name, ...share, submission, step };
  };
  // First of all: Temporal gets a heartbeat at once only if there was none for a while.
  note(submission, null);
  log.called();
  const onProgress = ({ submission, state, step }: PromptProgress): void => {
    if (state === 'running') running();
    // A look tells that it runs, and only the server's WebSocket how far it is: between two steps the last one holds.
    const before = state === 'running' && log.prompt?.submission === submission ? log.prompt.step : null;
    note(submission, step === undefined ? before : { value: step.value, max: step.max });
  };
  const model = work.values.checkpoint ?? '';
  const tellEnd = deps.observer?.callStarted(providerCallOf(input, { provider: 'comfyui', model, kind: 'comfy' }));
  let outcome: CallOutcome = { code: null, usage: { inputTokens: 0, outputTokens: 0, images: 0 }, costUsd: 0 };
  try {
    const { promptId, outputs, startedAt, endedAt } = await runPrompt({
      client: lease.client,
      graph: prompt.graph,
      promptId: prompt.promptId,
      submission,
      expectedFiles: prompt.expectedFiles,
      extraData: { extra_pnginfo: { sluice: { batch: input.batchId, item: item.id, seed: prompt.seed } } },
      signal,
      keepOnAbort: (reason) => isShutdown(reason) || reason === deps.stopping?.reason,
      onProgress,
      pollMs: deps.pollMs ?? 1_000,
      patienceMs: deps.patienceMs ?? 10_000,
    });
    if (outputs.length < share.count) {
      const made = `${String(outputs.length)} of ${String(share.count)} pictures`;
      throw new ProviderError('NO_OUTPUT', `The graph made ${made}.`);
    }
    const runMs = startedAt === null || endedAt === null ? null : endedAt - startedAt;
    if (runMs !== null) deps.observer?.gpuWorked(lease.endpoint.name, input.mode, runMs / 1_000);
    outcome = { ...outcome, usage: { ...outcome.usage, images: share.count } };
    return { prompt, promptId, outputs: outputs.slice(0, share.count), runMs };
  } catch (error) {
    outcome = { ...outcome, code: codeOf(error) };
    throw error;
  } finally {
    done();
    tellEnd?.(outcome);
  }
}

/** Called after its content, so that the same picture is the same file on the server. */
async function uploadSource(
  deps: SourceImageDeps,
  attempt: Attempt,
  { client }: GpuLease,
): Promise<string | undefined> {
  const { item, signal } = attempt;
  if (item.fromImage === undefined) return undefined;
  const { mimeType, data } = await readSource(deps, attempt, item.fromImage);
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 32);
  const extension = extname(`x.${mimeType.split('/')[1] ?? 'png'}`);
  return client.upload({ name: `sluice-${hash}${extension}`, mimeType, data }, { signal });
}
