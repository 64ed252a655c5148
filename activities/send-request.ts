import { createHash } from 'node:crypto';
import { SluiceError } from '../domain/errors.ts';
import { isListed, type HostRules } from '../domain/host-rules.ts';
import { stepOptions } from '../domain/step-options.ts';
import { sendGuarded, type GuardedReply } from '../providers/http/guarded-request.ts';
import { retryAfterHeaderMs } from '../providers/json-call.ts';
import type { Attempt } from './attempt.ts';
import { callTimeoutMs } from './item-time.ts';
import { Secrets } from './secrets.ts';
import { createStepActivity } from './step-activity.ts';
import { readStepOptions } from './step-options.ts';
import type { StepDeps, StepResult } from './step-work.ts';
import type { LightStepActivities } from './types.ts';

export interface SendRequestDeps extends StepDeps {
  /** Hosts that flows may ask. */
  http: HostRules;
  /** Where `${env:NAME}` is looked up. */
  env: Readonly<Record<string, string | undefined>>;
}

/** A request as it stands in the record: references to secrets, never secrets. */
interface HttpRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

/** An answer becomes part of the step's record, which later steps read. */
const maxAnswerBytes = 1024 * 1024;
const retryable = [408, 425, 429, 500, 502, 503, 504];

/**
 * Sends a request of a flow and keeps the answer: `{ status, body }`, the body parsed where it is JSON. An answer
 * that says that it was not the request's fault (408, 425, 429, 5xx) is asked for again, any other from 400 on ends
 * the item. What is not a GET carries an `Idempotency-Key`, the same in every attempt.
 *
 * `${env:NAME}` stands for a variable of the worker's environment; it is sent to hosts that are listed by name only,
 * and stands as it is in records and histories.
 */
export function createSendRequest(deps: SendRequestDeps): LightStepActivities['sendRequest'] {
  return createStepActivity(deps, {
    request: readRequest,
    async run(attempt, request): Promise<StepResult> {
      const { input, log, signal } = attempt;
      const secrets = new Secrets(deps.env, JSON.stringify(input.step.with ?? {}));
      const url = secrets.fill(request.url);
      if (secrets.areIn(request)) assertListed(deps.http, url);
      const timeoutMs = callTimeoutMs(attempt);
      log.called();
      const reply = await sendGuarded({
        method: request.method,
        url,
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, secrets.fill(value)]),
        ),
        body: request.body === null ? undefined : secrets.fill(request.body),
        secretHeaders: Object.keys(request.headers).map((name) => name.toLowerCase()),
        rules: deps.http,
        timeoutMs,
        maxBytes: maxAnswerBytes,
        signal,
      });
      return { answer: answerOf(reply, hostOf(url), secrets) };
    },
  });
}

function readRequest(attempt: Attempt): HttpRequest {
  const { batchId, ref, step, round } = attempt.input;
  const options = readStepOptions(attempt, stepOptions.http);
  const { url, headers = {}, body = null } = options;
  const method = options.method ?? (body === null ? 'GET' : 'POST');
  const isText = typeof body === 'string';
  const key = createHash('sha256')
    .update(JSON.stringify([batchId, ref.id, step.id, round]))
    .digest('hex')
    .slice(0, 32);
  return {
    method,
    url,
    headers: {
      accept: 'application/json, text/*;q=0.9',
      ...(body === null ? {} : { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' }),
      ...(method === 'GET' ? {} : { 'idempotency-key': key }),
      ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    },
    body: body === null || isText ? body : JSON.stringify(body),
  };
}

/** Throws HOST_NOT_ALLOWED: a secret goes only where somebody has said that it may. */
function assertListed(rules: HostRules, url: string): void {
  if (URL.canParse(url) && isListed(rules, new URL(url))) return;
  const host = URL.canParse(url) ? new URL(url).host : 'the address';
  throw new SluiceError(
    'HOST_NOT_ALLOWED',
    `A request with a secret was refused: ${host} is not listed in http.allow.`,
  );
}

function answerOf(
  { status, headers, body }: GuardedReply,
  host: string,
  secrets: Secrets,
): NonNullable<StepResult['answer']> {
  // A reply may quote what it was sent.
  const text = secrets.hide(body.toString('utf8'));
  if (status >= 400) {
    const said = text.trim() === '' ? '' : `: ${text.replace(/\s+/g, ' ').trim().slice(0, 200)}`;
    const message = `${host} answered ${String(status)}${said}`;
    if (!retryable.includes(status)) throw new SluiceError('REQUEST_REFUSED', message);
    const retryAfterMs = retryAfterHeaderMs(headers['retry-after']);
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    throw new SluiceError(status === 429 ? 'RATE_LIMITED' : 'UNAVAILABLE', message, wait);
  }
  return { status, body: isJson(headers['content-type']) ? parsed(text) : text };
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/(json|[\w.-]+\+json)\b/i.test(contentType ?? '');
}

function parsed(text: string): NonNullable<StepResult['answer']> {
  try {
    return JSON.parse(text) as NonNullable<StepResult['answer']>;
  } catch {
    return text;
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'The address';
}
