import { z } from 'zod';
import { contentSchema, readJson, type Wire } from './wire.ts';

const bodySchema = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(z.looseObject({ role: z.enum(['system', 'developer', 'user', 'assistant']), content: contentSchema }))
    .min(1),
  seed: z.int().nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  response_format: z
    .looseObject({
      type: z.string(),
      json_schema: z.looseObject({ name: z.string(), schema: z.unknown().optional() }).optional(),
    })
    .nullish(),
});

const errors = {
  rate_limited: [429, 'requests', 'rate_limit_exceeded'],
  quota: [429, 'insufficient_quota', 'insufficient_quota'],
  server_error: [500, 'server_error', null],
  overloaded: [503, 'server_error', null],
  bad_key: [401, 'invalid_request_error', 'invalid_api_key'],
  bad_request: [400, 'invalid_request_error', null],
} as const;

/** @see https://platform.openai.com/docs/api-reference/chat */
export const openAiWire: Wire = {
  path: '/v1/chat/completions',
  keyOf: ({ authorization }) => /^Bearer (.+)$/.exec(String(authorization))?.[1] ?? null,
  parse(text) {
    const body = readJson(text);
    const parsed = bodySchema.safeParse(body);
    if (!parsed.success)
      return { invalid: `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}` };
    const { model, messages, seed, max_tokens, max_completion_tokens, response_format } = parsed.data;
    return {
      model,
      prompt: messages.map(({ content }) => content).join('\n'),
      seed: seed ?? null,
      maxTokens: max_completion_tokens ?? max_tokens ?? null,
      schema: response_format?.type === 'json_schema' ? response_format.json_schema?.schema : undefined,
    };
  },
  answer: ({ model }, { text, end, inputTokens, outputTokens }, call) => ({
    id: `chatcmpl-emulated-${String(call)}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1_000),
    model: `${model}-emulated`,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          ...(end === 'refused' ? { content: null, refusal: text } : { content: text, refusal: null }),
        },
        finish_reason: end === 'cut_off' ? 'length' : 'stop',
      },
    ],
    usage: {
      prompt_tokens: inputTokens,
      completion_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
    },
  }),
  error(error, message, retryAfterMs) {
    const [status, type, code] = errors[error];
    return {
      status,
      text: JSON.stringify({ error: { message, type, param: null, code } }),
      headers: retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) },
    };
  },
};
