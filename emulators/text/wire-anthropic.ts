import { z } from 'zod';
import { contentSchema, readJson, type Wire } from './wire.ts';

const bodySchema = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  system: contentSchema.optional(),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant']), content: contentSchema })).min(1),
  temperature: z.number().min(0).max(1).optional(),
  tools: z.array(z.looseObject({ name: z.string(), input_schema: z.unknown().optional() })).optional(),
  tool_choice: z.looseObject({ type: z.string(), name: z.string().optional() }).optional(),
});

const errors = {
  rate_limited: [429, 'rate_limit_error'],
  quota: [400, 'invalid_request_error'],
  server_error: [500, 'api_error'],
  overloaded: [529, 'overloaded_error'],
  bad_key: [401, 'authentication_error'],
  bad_request: [400, 'invalid_request_error'],
} as const;

/** @see https://docs.anthropic.com/en/api/messages */
export const anthropicWire: Wire = {
  path: '/v1/messages',
  /** In a header of its own, or, as the vendor's newest clients send it, as a bearer token. */
  keyOf(headers) {
    if (headers['anthropic-version'] === undefined) return null;
    const bearer = /^Bearer (.+)$/.exec(String(headers['authorization']))?.[1];
    return (String(headers['x-api-key'] ?? '') || bearer) ?? null;
  },
  parse(text) {
    const parsed = bodySchema.safeParse(readJson(text));
    if (!parsed.success)
      return { invalid: `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}` };
    const { model, max_tokens: maxTokens, system, messages, tools, tool_choice } = parsed.data;
    const tool = tools?.find(({ name }) => name === tool_choice?.name);
    const said = messages.map(({ content }) => content);
    return {
      model,
      prompt: [system ?? '', ...said].join('\n').trim(),
      seed: null,
      maxTokens,
      schema: tool?.input_schema,
    };
  },
  answer: ({ model, schema }, { text, end, inputTokens, outputTokens }, call) => {
    const input = schema === undefined ? undefined : readJson(text);
    return {
      id: `msg_emulated_${String(call)}`,
      type: 'message',
      role: 'assistant',
      model: `${model}-emulated`,
      content:
        input === undefined
          ? [{ type: 'text', text }]
          : [{ type: 'tool_use', id: `toolu_emulated_${String(call)}`, name: 'answer', input }],
      stop_reason: {
        refused: 'refusal',
        cut_off: 'max_tokens',
        complete: input === undefined ? 'end_turn' : 'tool_use',
      }[end],
      stop_sequence: null,
      usage: { input_tokens: inputTokens, output_tokens: outputTokens },
    };
  },
  error(error, message, retryAfterMs) {
    const [status, type] = errors[error];
    const said = error === 'quota' ? 'Your credit balance is too low to access the Anthropic API.' : message;
    return {
      status,
      text: JSON.stringify({ type: 'error', error: { type, message: said } }),
      headers: retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) },
    };
  },
};
