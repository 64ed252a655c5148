import { z } from 'zod';

/**
 * Replies of `models/{model}:generateContent`. Lenient on purpose: a field we do not know is ignored and
 * one of an unexpected type reads as absent, so that a vendor's addition never breaks a paid call.
 *
 * @see https://ai.google.dev/api/generate-content
 */
const text = z.string().optional().catch(undefined);
const count = z.number().int().min(0).optional().catch(undefined);

const partSchema = z.object({
  text,
  /** A part of the model's thinking (drafts of the image included), not of its answer. */
  thought: z.boolean().optional().catch(undefined),
  inlineData: z.object({ mimeType: z.string(), data: z.string() }).optional().catch(undefined),
});

const candidateSchema = z.object({
  content: z
    .object({ parts: z.array(partSchema).optional().catch(undefined) })
    .optional()
    .catch(undefined),
  finishReason: text,
  finishMessage: text,
});

const usageMetadataSchema = z.object({
  promptTokenCount: count,
  candidatesTokenCount: count,
  thoughtsTokenCount: count,
});

export const generateContentReplySchema = z.object({
  candidates: z.array(candidateSchema).optional(),
  promptFeedback: z.object({ blockReason: text, blockReasonMessage: text }).optional().catch(undefined),
  usageMetadata: usageMetadataSchema.optional().catch(undefined),
  modelVersion: text,
  responseId: text,
});
export type GenerateContentReply = z.output<typeof generateContentReplySchema>;

/** One entry of `error.details`, whichever its `@type`; the fields of the types we read are all optional. */
const errorDetailSchema = z.object({
  '@type': text,
  /** google.rpc.RetryInfo: seconds with an `s`, possibly fractional. */
  retryDelay: text,
  /** google.rpc.ErrorInfo. */
  reason: text,
  /** google.rpc.QuotaFailure. */
  violations: z
    .array(z.object({ quotaId: text }))
    .optional()
    .catch(undefined),
});

const errorBodySchema = z.object({
  error: z.object({
    status: text,
    message: text,
    details: z.array(errorDetailSchema).optional().catch(undefined),
  }),
});

/**
 * An error body; some endpoints wrap it in an array of one.
 *
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
 */
export const errorReplySchema = z.union([errorBodySchema, z.tuple([errorBodySchema]).transform(([body]) => body)]);
