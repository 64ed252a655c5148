import { collectDefaultMetrics, Counter, Histogram, type Registry } from 'prom-client';
import type { Observer, ProviderCall } from '../../activities/observer.ts';

/** Of one call: from a short text to a picture, a long text, and a prompt on a slow GPU; seconds. */
const callBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320];
/** A rate limit of a minute is waited for, and so is a budget; seconds. */
const waitBuckets = [0.01, 0.1, 1, 5, 15, 30, 60, 120, 300, 900];

const byCall = ['provider', 'model', 'mode'] as const;

/**
 * What a worker counts, beside the metrics of Temporal's SDK. No label has more values than there are models, flows,
 * GPUs and error codes: nothing is told of single batches.
 */
export function createWorkerMetrics(registry: Registry): Required<Observer> {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <const Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const calls = counter('sluice_provider_calls_total', 'Calls of models, and prompts on GPUs, by how they ended', [
    ...byCall,
    'code',
  ]);
  const seconds = new Histogram({
    name: 'sluice_provider_call_duration_seconds',
    help: 'How long calls took, without their wait for a turn',
    labelNames: byCall,
    buckets: callBuckets,
    registers,
  });
  const waits = new Histogram({
    name: 'sluice_limiter_wait_seconds',
    help: 'How long calls waited for their turn at limits and budgets',
    labelNames: byCall,
    buckets: waitBuckets,
    registers,
  });
  const cost = counter(
    'sluice_provider_cost_usd_total',
    'Cost by the usage vendors tell of; of emulated calls what they would cost',
    byCall,
  );
  const tokens = counter('sluice_provider_tokens_total', 'Tokens sent and received', [...byCall, 'direction']);
  const images = counter('sluice_provider_images_total', 'Images that came back', byCall);
  const video = counter('sluice_provider_video_seconds_total', 'Seconds of video that were asked for', byCall);
  const items = counter('sluice_items_total', 'Results of items, by status and error code', ['flow', 'status', 'code']);
  const busy = counter('sluice_gpu_busy_seconds_total', 'How long GPUs worked on prompts', ['endpoint', 'mode']);
  return {
    callStarted(call) {
      const labels = labelsOf(call);
      const since = performance.now();
      return ({ code, usage, costUsd }) => {
        calls.inc({ ...labels, code: code ?? 'OK' });
        seconds.observe(labels, (performance.now() - since) / 1_000);
        cost.inc(labels, costUsd);
        tokens.inc({ ...labels, direction: 'input' }, usage.inputTokens);
        tokens.inc({ ...labels, direction: 'output' }, usage.outputTokens);
        images.inc(labels, usage.images);
        video.inc(labels, usage.videoSeconds ?? 0);
      };
    },
    turnTaken(call, waited) {
      waits.observe(labelsOf(call), waited);
    },
    gpuWorked(endpoint, mode, worked) {
      busy.inc({ endpoint, mode }, worked);
    },
    itemsEnded(flow, rows) {
      for (const { status, error_code: code } of rows) items.inc({ flow, status, code: code ?? '' });
    },
  };
}

function labelsOf({ provider, model, mode }: ProviderCall): Record<(typeof byCall)[number], string> {
  return { provider, model, mode };
}
