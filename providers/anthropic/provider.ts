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

interface AnthropicProviderOptions {
  /** Sent in the `x-api-key` header and nowhere else. */
  apiKey: string;
  /** With or without `/v1`. @default 'https://api.anthropic.com/v1' */
  baseUrl?: string;
  /** Connections to use instead of the process's shared pool. */
  dispatcher?: Dispatcher;
}

const vendor = 'Anthropic';
const apiVersion = '2023-06-01';
/** The tool whose input is the answer, where an object is asked for. */
const answerTool = 'answer';

const text = z.string().nullish().catch(undefined);
const count = z.number().int().min(0).nullish().catch(undefined);

/** Lenient: what is not needed may be anything. @see https://docs.anthropic.com/en/api/messages */
const replySchema = z.object({
  id: text,
  model: text,
  stop_reason: text,
  content: z.array(z.object({ type: z.string(), text, name: text, input: z.unknown().optional() })),
  usage: z
    .object({
      input_tokens: count,
      output_tokens: count,
      cache_creation_input_tokens: count,
      cache_read_input_tokens: count,
    })
    .optional()
    .catch(undefined),
});

const errorSchema = z.object({ error: z.object({ type: text, message: text }) });

/**
 * Anthropic's language models over `POST /messages`. A schema is asked for as the input of a tool that the
 * model has to use.
 *
 * @throws ProviderError AUTH when the key could not be sent; SluiceError CONFIG_INVALID for an address that is none
 */
export function createAnthropicProvider(options: AnthropicProviderOptions): TextProvider {
  const { apiKey, baseUrl = 'https://api.anthropic.com/v1', dispatcher } = options;
  const key = checkedKey(vendor, apiKey);
  const url = baseAddress(vendor, baseUrl, 'v1');
  url.pathname += '/messages';
  const headers = { 'x-api-key': key, 'anthropic-version': apiVersion };
  return {
    async generateText(request: TextRequest, callOptions: CallOptions) {
      const reply = await callJson({ vendor, url, headers, body: bodyOf(request) }, callOptions, dispatcher);
      const safe = { ...reply, text: withoutKey(reply.text, key) };
      if (safe.status !== 200) throw errorOf(safe);
      return resultOf(answerOf(safe.text), request);
    },
  };
}

function bodyOf(request: TextRequest): object {
  const { model, system, messages, temperature, maxOutputTokens = defaultMaxOutputTokens, schema } = request;
  return {
    model,
    max_tokens: maxOutputTokens,
    ...(system === undefined ? {} : { system }),
    messages: messages.map(({ role, text: content }) => ({ role, content })),
    // Its scale ends at 1, where others' ends at 2.
    ...(temperature === undefined ? {} : { temperature: Math.min(1, temperature) }),
    ...(schema === undefined
      ? {}
      : {
          tools: [{ name: answerTool, description: 'Gives the answer.', input_schema: schema }],
          tool_choice: { type: 'tool', name: answerTool },
        }),
  };
}

function answerOf(body: string): Answer {
  const parsed = replySchema.safeParse(parseJson(body));
  if (!parsed.success) {
    throw new ProviderError('UNAVAILABLE', `${vendor} sent a malformed reply of ${String(body.length)} characters.`);
  }
  const { content, usage, id, model, stop_reason: reason } = parsed.data;
  const tool = content.find(({ type, name }) => type === 'tool_use' && name === answerTool);
  const spoken = content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('');
  return {
    vendor,
    text: tool === undefined ? spoken : JSON.stringify(tool.input),
    end: reason === 'refusal' ? 'refused' : reason === 'max_tokens' ? 'cut_off' : 'complete',
    reason: reason ?? undefined,
    usage: {
      inputTokens:
        (usage?.input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0) + (usage?.cache_read_input_tokens ?? 0),
      outputTokens: usage?.output_tokens ?? 0,
      images: 0,
    },
    modelVersion: model ?? undefined,
    responseId: id ?? undefined,
  };
}

function errorOf(reply: HttpReply): ProviderError {
  const error = errorSchema.safeParse(parseJson(reply.text)).data?.error;
  const message = error?.message ?? undefined;
  // No credit comes as a plain 400, told apart by its words only, or as 402.
  const exhausted = reply.status === 402 || error?.type === 'billing_error' || /credit balance/i.test(message ?? '');
  return vendorError(reply, { vendor, name: error?.type ?? undefined, message, exhausted });
}
