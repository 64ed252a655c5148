import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { CallOptions } from '../image-provider.ts';
import { checkedKey } from '../api-key.ts';
import { baseAddress } from '../base-address.ts';
import { callJson, withoutKey, type HttpReply } from '../json-call.ts';
import { ProviderError } from '../provider-error.ts';
import { parseJson } from '../reply-text.ts';
import { resultOf, type Answer } from '../text-answer.ts';
import { defaultMaxOutputTokens, type TextProvider, type TextRequest } from '../text-provider.ts';
import { vendorError } from '../vendor-error.ts';

interface OpenAiProviderOptions {
  /** Sent as bearer token; left out: none is, as servers of one's own mostly want none. */
  apiKey?: string;
  /** Any server that speaks this API, with or without `/v1`. @default 'https://api.openai.com/v1' */
  baseUrl?: string;
  /** As messages call the server. @default 'OpenAI' */
  vendor?: string;
  /** Connections to use instead of the process's shared pool. */
  dispatcher?: Dispatcher;
}

const text = z.string().nullish().catch(undefined);
const count = z.number().int().min(0).optional().catch(undefined);

/** Lenient: what is not needed may be anything. @see https://platform.openai.com/docs/api-reference/chat/object */
const replySchema = z.object({
  id: text,
  model: text,
  choices: z.array(
    z.object({ finish_reason: text, message: z.object({ content: text, refusal: text }).optional().catch(undefined) }),
  ),
  usage: z.object({ prompt_tokens: count, completion_tokens: count }).nullish().catch(undefined),
});

const errorSchema = z.object({ error: z.object({ message: text, type: text, code: text }) });

/**
 * Language models over `POST /chat/completions`, which OpenAI and most local servers speak.
 *
 * @throws ProviderError AUTH when the key could not be sent; SluiceError CONFIG_INVALID for an address that is none
 */
export function createOpenAiProvider(options: OpenAiProviderOptions): TextProvider {
  const { apiKey, baseUrl = 'https://api.openai.com/v1', vendor = 'OpenAI', dispatcher } = options;
  const key = apiKey === undefined ? '' : checkedKey(vendor, apiKey);
  const url = baseAddress(vendor, baseUrl, 'v1');
  const ours = url.hostname === 'api.openai.com';
  url.pathname += '/chat/completions';
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${key}` };
  return {
    async generateText(request: TextRequest, callOptions: CallOptions) {
      const call = { vendor, url, headers, body: bodyOf(request, ours) };
      const reply = await callJson(call, callOptions, dispatcher);
      const safe = { ...reply, text: withoutKey(reply.text, key) };
      if (safe.status !== 200) throw errorOf(safe, vendor);
      return resultOf(answerOf(safe.text, vendor), request);
    },
  };
}

/** OpenAI's newer models take only the new name of the limit, local servers mostly only the old one. */
function bodyOf(request: TextRequest, ours: boolean): object {
  const { model, system, messages, temperature, maxOutputTokens = defaultMaxOutputTokens, seed, schema } = request;
  const said = messages.map(({ role, text: content }) => ({ role, content }));
  return {
    model,
    messages: system === undefined ? said : [{ role: 'system', content: system }, ...said],
    ...(temperature === undefined ? {} : { temperature }),
    [ours ? 'max_completion_tokens' : 'max_tokens']: maxOutputTokens,
    ...(seed === undefined ? {} : { seed }),
    ...(schema === undefined
      ? {}
      : { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } } }),
  };
}

function answerOf(body: string, vendor: string): Answer {
  const parsed = replySchema.safeParse(parseJson(body));
  if (!parsed.success) {
    throw new ProviderError('UNAVAILABLE', `${vendor} sent a malformed reply of ${String(body.length)} characters.`);
  }
  const { choices, usage, id, model } = parsed.data;
  const choice = choices[0];
  const reason = choice?.finish_reason ?? undefined;
  const refusal = choice?.message?.refusal ?? undefined;
  const refused = refusal !== undefined || reason === 'content_filter';
  return {
    vendor,
    text: refusal ?? choice?.message?.content ?? '',
    end: refused ? 'refused' : reason === 'length' ? 'cut_off' : 'complete',
    reason,
    usage: { inputTokens: usage?.prompt_tokens ?? 0, outputTokens: usage?.completion_tokens ?? 0, images: 0 },
    modelVersion: model ?? undefined,
    responseId: id ?? undefined,
  };
}

function errorOf(reply: HttpReply, vendor: string): ProviderError {
  const error = errorSchema.safeParse(parseJson(reply.text)).data?.error;
  const name = error?.code ?? error?.type ?? undefined;
  // Of two 429s: the minute's passes, this one does not.
  const exhausted = [error?.code, error?.type].includes('insufficient_quota');
  return vendorError(reply, { vendor, name, message: error?.message ?? undefined, exhausted });
}
