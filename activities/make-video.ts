import { SluiceError } from '../domain/errors.ts';
import { costUsd, expectedUsage } from '../domain/models.ts';
import type { Usage } from '../domain/result.ts';
import { parseVideoOperation, videoKeptMs, videoOperationKey, type VideoOperation } from '../domain/video-operation.ts';
import { providerOf, type FindProviders } from '../providers/provider-set.ts';
import type { VideoProvider, VideoRequest } from '../providers/video-provider.ts';
import { findFinished, type MadeFile } from './artifact.ts';
import type { Attempt } from './attempt.ts';
import { callModel, modelOf, type CallModelDeps } from './call-model.ts';
import { limiterKeysOf } from './limiter-keys.ts';
import { mediaItem } from './media-item.ts';
import { PaidResults } from './paid-results.ts';
import { readItem } from './read-page.ts';
import { shutdownSignal } from './shutdown-signal.ts';
import { readSource, type SourceImageDeps } from './source-image.ts';
import { comparable, findReusable, keepReusable } from './reuse.ts';
import { runId } from './run-step.ts';
import { createStepActivity } from './step-activity.ts';
import type { StepResult, StepWork } from './step-work.ts';
import { storeFile } from './store-file.ts';
import { storePaid } from './store-paid.ts';
import type { VideoActivities, VideoNote } from './types.ts';
import { readVideoRequest, type VideoStepRequest } from './video-request.ts';

export interface MakeVideoDeps extends CallModelDeps, SourceImageDeps {
  providers: FindProviders;
}

/**
 * A video in three calls, between which no worker waits: `startVideo` asks for it, unless it was asked for
 * before; `checkVideo` looks how far it is; `storeVideo` fetches it. The vendor's name of the operation is in
 * storage from the moment it is known, so that no worker that dies makes another one pay again; under that name it
 * keeps its place at the limits of calls at once until it is done.
 */
export function createVideoActivities(deps: MakeVideoDeps): VideoActivities {
  const started = new PaidResults<VideoOperation>();
  const work = (run: StepWork<VideoStepRequest>['run']): StepWork<VideoStepRequest> => ({
    costUsd: (input) => {
      const model = modelOf(deps, input, 'video');
      return (usage: Usage) => costUsd(model, usage);
    },
    request: readVideoRequest,
    run,
  });
  return {
    startVideo: createStepActivity(
      deps,
      work((step, request) => start(deps, step, request, started)),
    ),
    checkVideo: createStepActivity(
      deps,
      work((step, request) => check(deps, step, request)),
    ),
    storeVideo: createStepActivity(
      deps,
      work((step, request) => store(deps, step, request)),
    ),
  };
}

async function start(
  deps: MakeVideoDeps,
  step: Attempt,
  request: VideoStepRequest,
  started: PaidResults<VideoOperation>,
): Promise<StepResult> {
  const attempt = step.as(mediaItem(step, request));
  const { input, item, log } = attempt;
  log.resume(input.video);
  const done = await findFinished(attempt.store, input.batchId, item);
  if (done !== null) return { row: done, path: done.output_path };
  const known = await readOperation(attempt);
  if (known !== null) return { video: noteOf(attempt, known) };
  const key = `${input.storeUri} ${input.batchId} ${item.name} ${hashOf(attempt)}`;
  const kept = started.take(key);
  if (kept !== undefined) log.addSpent(kept.spent);
  const hit = kept === undefined ? await findReusable(deps, placeOf(deps, attempt, request)) : null;
  if (hit !== null && hit.file !== null) {
    const how = { facts: hit.made.facts ?? {}, cachedFrom: hit.source };
    const row = await storeFile(deps, attempt, videoFile(item.name, hit.file), how);
    return { row, path: row.output_path, cached_from: hit.source };
  }
  const operation = kept?.result ?? (await ask(deps, attempt, request));
  try {
    await storePaid(deps.storagePatienceMs ?? 5_000, async () => {
      // A directory that was moved away is not made anew elsewhere.
      await readItem(attempt.store, input.ref);
      await attempt.store.put(videoOperationKey(item.name), `${JSON.stringify(operation, null, 2)}\n`);
    });
  } catch (error) {
    started.keep(key, { result: operation, spent: log.takeSpent() });
    throw error;
  }
  return { video: noteOf(attempt, operation) };
}

async function ask(deps: MakeVideoDeps, attempt: Attempt, request: VideoStepRequest): Promise<VideoOperation> {
  const { input, item } = attempt;
  const model = modelOf(deps, input, 'video');
  const { fromImage, seconds = model.default_seconds, aspectRatio, resolution } = request;
  if (!model.seconds.includes(seconds)) {
    const rule = `must be one of ${model.seconds.join(', ')} for ${item.model}`;
    throw new SluiceError('INVALID_INPUT', `seconds: ${rule} (got ${String(seconds)})`);
  }
  const firstFrame = fromImage === undefined ? undefined : await readSource(deps, attempt, fromImage);
  const asked: VideoRequest = {
    model: model.name ?? item.model,
    prompt: item.prompt,
    ...(item.negativePrompt === undefined ? {} : { negativePrompt: item.negativePrompt }),
    ...(aspectRatio === undefined ? {} : { aspectRatio }),
    ...(resolution === undefined ? {} : { resolution }),
    seconds,
    seed: item.seed,
    ...(firstFrame === undefined ? {} : { firstFrame }),
  };
  const expected = expectedUsage(model, { promptChars: item.prompt.length, seconds });
  const { operation, sent } = await callModel(deps, attempt, {
    model,
    expected,
    // What is under way is paid for, so it counts from now on.
    call: async (options) => ({
      ...(await providerFor(deps, attempt).start(asked, options)),
      usage: { inputTokens: 0, outputTokens: 0, images: 0, videoSeconds: seconds },
    }),
    goesOnAs: (started) => started.operation,
  });
  return {
    batch_id: input.batchId,
    item_id: item.id,
    request_hash: hashOf(attempt),
    model: item.model,
    operation,
    seconds,
    request: sent as VideoOperation['request'],
    run_id: runId(),
    started_at: new Date().toISOString(),
  };
}

/** Throws CONTENT_BLOCKED, INVALID_INPUT when the vendor will never make it, and what a look can fail with. */
async function check(deps: MakeVideoDeps, step: Attempt, request: VideoStepRequest): Promise<StepResult> {
  const attempt = step.as(mediaItem(step, request));
  const { video } = attempt.input;
  if (video === undefined) throw new SluiceError('INTERNAL', 'There is no operation to look at.');
  attempt.log.resume(video);
  const options = { signal: shutdownSignal(), timeoutMs: attempt.input.timeoutMs };
  try {
    const found = await providerFor(deps, attempt).look(video.operation, options);
    if (found.state === 'running') {
      deps.limiter.hold(video.operation, limiterKeysOf(attempt.input));
      return { video };
    }
    deps.limiter.free(video.operation);
    if (found.state === 'done') return { video: { ...video, uri: found.uri } };
    await forget(attempt);
    return { video: { ...video, failed: found.message } };
  } catch (error) {
    // Refused for good, and not charged: nobody is to look at it again.
    if (error instanceof SluiceError && isFinal(error)) {
      deps.limiter.free(video.operation);
      await forget(attempt);
    }
    throw error;
  }
}

async function store(deps: MakeVideoDeps, step: Attempt, request: VideoStepRequest): Promise<StepResult> {
  const attempt = step.as(mediaItem(step, request));
  const { input, item, log } = attempt;
  const done = await findFinished(attempt.store, input.batchId, item);
  if (done !== null) return { row: done, path: done.output_path };
  const { video } = input;
  if (video?.uri === undefined) throw new SluiceError('INTERNAL', 'There is no video to fetch.');
  const known = await readOperation(attempt);
  log.resume(video);
  if (video.counted !== true && log.usage.videoSeconds === undefined) {
    log.charged({ inputTokens: 0, outputTokens: 0, images: 0, videoSeconds: video.seconds });
  }
  const options = { signal: shutdownSignal(), timeoutMs: input.timeoutMs };
  const { mimeType, data } = await providerFor(deps, attempt).download(video.uri, options);
  const { seconds } = video;
  const facts = { seconds, request: known?.request ?? {} };
  const file = videoFile(item.name, { mimeType, data });
  const row = await storeFile(deps, attempt, file, { facts: { operation: video.operation, ...facts } });
  await forget(attempt);
  const usd = costUsd(modelOf(deps, input, 'video'), {
    inputTokens: 0,
    outputTokens: 0,
    images: 0,
    videoSeconds: seconds,
  });
  await keepReusable(deps, placeOf(deps, attempt, request), {
    facts: { facts },
    file: { mimeType, data },
    costUsd: usd,
  });
  return { row, path: file.path };
}

function videoFile(name: string, video: { mimeType: string; data: Uint8Array }): MadeFile {
  return { path: `videos/${name}.mp4`, ...video };
}

/** Where a video is looked for that another batch has paid for. */
function placeOf(deps: MakeVideoDeps, attempt: Attempt, request: VideoStepRequest): Parameters<typeof findReusable>[1] {
  const { default_seconds: seconds } = modelOf(deps, attempt.input, 'video');
  return { attempt, request: comparable({ seconds, ...request }) };
}

/** What was asked for before, by whichever worker, if it is still to be had. */
async function readOperation(attempt: Attempt): Promise<VideoOperation | null> {
  const { input, item } = attempt;
  const bytes = await attempt.store.get(videoOperationKey(item.name));
  const found = bytes === null ? null : parseVideoOperation(bytes.toString('utf8'));
  const isOwn = found?.batch_id === input.batchId && found.item_id === item.id && found.model === item.model;
  if (!isOwn || found.request_hash !== hashOf(attempt)) return null;
  return Date.now() - Date.parse(found.started_at) < videoKeptMs ? found : null;
}

function forget({ store: files, item }: Attempt): Promise<void> {
  return files.delete(videoOperationKey(item.name));
}

function hashOf({ item }: Attempt): string {
  return item.requestHash ?? item.hash;
}

function noteOf({ log }: Attempt, { operation, seconds, started_at, run_id }: VideoOperation): VideoNote {
  const startedAtMs = log.firstTurnAtMs ?? Date.parse(started_at);
  return { operation, seconds, calls: log.calls, startedAtMs, ...(run_id === runId() ? {} : { counted: true }) };
}

function providerFor({ providers }: MakeVideoDeps, { input, item }: Attempt): VideoProvider {
  return providerOf(providers, 'video', item.provider, input.mode);
}

function isFinal({ code }: SluiceError): boolean {
  return code === 'CONTENT_BLOCKED' || code === 'INVALID_INPUT';
}
