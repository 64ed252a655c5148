import { createHash } from 'node:crypto';
import { costUsd, expectedUsage } from '../domain/models.ts';
import { promptChars } from '../domain/prompt-size.ts';
import type { ResultRow } from '../domain/result.ts';
import type { StepRecord } from '../domain/step-record.ts';
import { providerOf, type FindProviders } from '../providers/provider-set.ts';
import type { TextRequest } from '../providers/text-provider.ts';
import { isWhole, readOwnSidecar, writeArtifact } from './artifact.ts';
import type { Attempt } from './attempt.ts';
import { callModel, modelOf, type CallModelDeps } from './call-model.ts';
import { findReusable, keepReusable } from './reuse.ts';
import { createStepActivity } from './step-activity.ts';
import type { StepResult } from './step-work.ts';
import { expectedAnswer, readTextRequest, textCall, type TextStepRequest } from './text-request.ts';
import type { ModelActivities } from './types.ts';

export interface WriteTextDeps extends CallModelDeps {
  providers: FindProviders;
}

/**
 * Asks a language model once. Its answer is in the step's record first, because it is paid for; the file and
 * its sidecar are made from that.
 */
export function createWriteText(deps: WriteTextDeps): ModelActivities['writeText'] {
  return createStepActivity<TextStepRequest>(deps, {
    costUsd: (input) => {
      const model = modelOf(deps, input, 'text');
      return (usage) => costUsd(model, usage);
    },
    request: readTextRequest,
    run: (attempt, request) => write(deps, attempt, request),
    publish,
  });
}

/** Takes the answer of another batch, or asks and keeps the answer for others. */
async function write(deps: WriteTextDeps, attempt: Attempt, request: TextStepRequest): Promise<StepResult> {
  const place = { attempt, request };
  const hit = await findReusable(deps, place);
  if (hit?.made.text !== undefined) {
    const { made, source } = hit;
    return { ...made, path: textPath(attempt, made.json), cached_from: source };
  }
  const { path, ...made } = await ask(deps, attempt, request);
  await keepReusable(deps, place, { facts: made, file: null, costUsd: attempt.row().cost_usd });
  return { ...made, path };
}

async function ask(
  deps: WriteTextDeps,
  attempt: Attempt,
  request: TextStepRequest,
): Promise<Pick<StepResult, 'text' | 'json' | 'facts'> & { path: string }> {
  const { input, log } = attempt;
  const { key, provider } = input.model ?? { key: input.ref.model, provider: input.ref.provider };
  const model = modelOf(deps, input, 'text');
  const call = textCall(request, { ...model, key }, log.emptyReplies);
  const answer = await callModel(deps, attempt, {
    model,
    expected: expectedUsage(model, { promptChars: said(call), ...expectedAnswer(attempt) }),
    call: (options) => providerOf(deps.providers, 'text', provider, input.mode).generateText(call, options),
  });
  const { system, messages, schema: _schema, ...sent } = call;
  const { modelVersion, responseId, text, json } = answer;
  return {
    text,
    ...(json === undefined ? {} : { json: json as StepRecord['json'] }),
    path: textPath(attempt, json),
    facts: {
      provider,
      model_version: modelVersion ?? null,
      response_id: responseId ?? null,
      request: { ...sent, system: system ?? null, prompt: messages.map(({ text: said }) => said).join('\n\n') },
    },
  };
}

/** Characters of the call. */
function said({ system, messages, schema }: TextRequest): number {
  return promptChars({ system, prompt: messages.map(({ text }) => text).join('\n'), schema });
}

function textPath(attempt: Attempt, json: unknown): string {
  return `texts/${attempt.fileName({ eachRound: false })}.${json === undefined ? 'md' : 'json'}`;
}

/** Writes `texts/<name>.md` (`.json` for an object) and its sidecar, unless they are there. */
async function publish(attempt: Attempt, record: StepRecord, row: ResultRow): Promise<void> {
  const { input, item, store } = attempt;
  const { path, text = '', json, facts = {}, model } = record;
  if (path === null) return;
  const data = Buffer.from(json === undefined ? `${text.trimEnd()}\n` : `${JSON.stringify(json, null, 2)}\n`);
  const name = attempt.fileName({ eachRound: false });
  const sidecar = await readOwnSidecar(store, input.batchId, item, name);
  const isSame = sidecar?.file.sha256 === createHash('sha256').update(data).digest('hex');
  if (isSame && (await isWhole(store, sidecar))) return;
  const { provider, ...more } = facts;
  const made = { ...item, name, model: model ?? '', provider: typeof provider === 'string' ? provider : '' };
  const mimeType = json === undefined ? 'text/markdown' : 'application/json';
  const { step, round } = input;
  const cached = record.cached_from === undefined ? {} : { cached_from: record.cached_from };
  const origin = { batch_id: input.batchId, mode: input.mode, step: step.id, round, ...cached };
  await writeArtifact(store, made, { path, mimeType, data }, row, { ...origin, ...more });
}
