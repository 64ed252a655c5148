import { createHash } from 'node:crypto';
import { tokensOf } from '../shared/text-answer.ts';
import type { GenerateRequest } from './generate-request.ts';

/** What an image costs, as the vendor counts. */
const imageTokens = 1290;

export interface Context {
  model: string;
  request: Pick<GenerateRequest, 'prompt' | 'sources' | 'modalities'>;
  /** Makes the response id. */
  call: number;
}

export function imageReply(context: Context, image: Buffer): object {
  const spoken = context.request.modalities.includes('TEXT') ? 'Here is your image: ' : '';
  const inlineData = { mimeType: 'image/png', data: image.toString('base64') };
  return {
    candidates: [candidate('STOP', [...(spoken === '' ? [] : [{ text: spoken }]), { inlineData }])],
    ...footer(context, imageTokens + tokensOf(spoken), [{ modality: 'IMAGE', tokenCount: imageTokens }]),
  };
}

export function textOnlyReply(context: Context): object {
  const text = `I can picture that: ${context.request.prompt.slice(0, 80)}. Shall I describe it in more detail?`;
  return { candidates: [candidate('STOP', [{ text }])], ...footer(context, tokensOf(text)) };
}

/** A candidate that ended without content. */
export function emptyReply(context: Context, finishReason: string, finishMessage: string): object {
  return { candidates: [{ finishReason, finishMessage, index: 0 }], ...footer(context, 0) };
}

export function promptBlockedReply(context: Context): object {
  return { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, ...footer(context, 0) };
}

export function candidate(finishReason: string, parts: object[]): object {
  return { content: { parts, role: 'model' }, finishReason, index: 0 };
}

export function footer(
  { model, request, call }: Context,
  candidatesTokenCount: number,
  candidatesTokensDetails?: object[],
  thoughtsTokenCount = 0,
) {
  const promptText = tokensOf(request.prompt);
  const promptImages = request.sources.length * imageTokens;
  return {
    usageMetadata: {
      promptTokenCount: promptText + promptImages,
      ...(candidatesTokenCount === 0 ? {} : { candidatesTokenCount }),
      ...(thoughtsTokenCount === 0 ? {} : { thoughtsTokenCount }),
      totalTokenCount: promptText + promptImages + candidatesTokenCount + thoughtsTokenCount,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: promptText },
        ...(promptImages === 0 ? [] : [{ modality: 'IMAGE', tokenCount: promptImages }]),
      ],
      ...(candidatesTokensDetails === undefined ? {} : { candidatesTokensDetails }),
    },
    modelVersion: model,
    responseId: createHash('sha256').update(`${model} ${call}`).digest('base64url').slice(0, 22),
  };
}

export interface ErrorReply {
  error: { code: number; message: string; status: string; details?: object[] };
}

const typed = (type: string, fields: object) => ({ '@type': `type.googleapis.com/google.rpc.${type}`, ...fields });

export const errors = {
  invalidArgument: (message: string): ErrorReply => ({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),

  invalidKey: (): ErrorReply => {
    const message = 'API key not valid. Please pass a valid API key.';
    const metadata = { service: 'generativelanguage.googleapis.com' };
    const details = [
      typed('ErrorInfo', { reason: 'API_KEY_INVALID', domain: 'googleapis.com', metadata }),
      typed('LocalizedMessage', { locale: 'en-US', message }),
    ];
    return { error: { code: 400, message, status: 'INVALID_ARGUMENT', details } };
  },

  missingKey: (): ErrorReply => {
    const message =
      "Method doesn't allow unregistered callers (callers without established identity). " +
      'Please use API Key or other form of API consumer identity to call this API.';
    return { error: { code: 403, message, status: 'PERMISSION_DENIED' } };
  },

  unknownModel: (model: string, version: string, method: string): ErrorReply => {
    const message =
      `models/${model} is not found for API version ${version}, or is not supported for ${method}. ` +
      'Call ListModels to see the list of available models and their supported methods.';
    return { error: { code: 404, message, status: 'NOT_FOUND' } };
  },

  notFound: (): ErrorReply => ({
    error: { code: 404, message: 'Requested entity was not found.', status: 'NOT_FOUND' },
  }),

  internal: (): ErrorReply => ({
    error: { code: 500, message: 'An internal error has occurred. Please retry.', status: 'INTERNAL' },
  }),

  unavailable: (): ErrorReply => ({
    error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' },
  }),

  /** `retryDelayMs` undefined: no RetryInfo, as the vendor sometimes leaves it out. */
  quota: (
    period: 'Minute' | 'Day',
    model: string,
    limit: number | null,
    retryDelayMs: number | undefined,
  ): ErrorReply => {
    const quotaMetric = 'generativelanguage.googleapis.com/generate_requests_per_model';
    const retryDelay = retryDelayMs === undefined ? undefined : `${Math.ceil(retryDelayMs) / 1_000}s`;
    const message =
      'You exceeded your current quota, please check your plan and billing details.\n' +
      `* Quota exceeded for metric: ${quotaMetric}${limit === null ? '' : `, limit: ${limit}`}, model: ${model}` +
      (retryDelay === undefined ? '' : `\nPlease retry in ${retryDelay}.`);
    const violation = {
      quotaMetric,
      quotaId: `GenerateRequestsPer${period}PerProjectPerModel`,
      quotaDimensions: { location: 'global', model },
      ...(limit === null ? {} : { quotaValue: `${limit}` }),
    };
    const links = [
      { description: 'Learn more about Gemini API quotas', url: 'https://ai.google.dev/gemini-api/docs/rate-limits' },
    ];
    const details = [
      typed('Help', { links }),
      typed('QuotaFailure', { violations: [violation] }),
      ...(retryDelay === undefined ? [] : [typed('RetryInfo', { retryDelay })]),
    ];
    return { error: { code: 429, message, status: 'RESOURCE_EXHAUSTED', details } };
  },
};
