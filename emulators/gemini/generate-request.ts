import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Size in pixels at 1K, by aspect ratio. @see https://ai.google.dev/gemini-api/docs/image-generation#aspect_ratios */
const sizes = {
  '1:1': [1024, 1024],
  '2:3': [832, 1248],
  '3:2': [1248, 832],
  '3:4': [864, 1184],
  '4:3': [1184, 864],
  '4:5': [896, 1152],
  '5:4': [1152, 896],
  '9:16': [768, 1344],
  '16:9': [1344, 768],
  '21:9': [1536, 672],
} as const satisfies Record<string, readonly [number, number]>;
const aspectRatio = z.custom<keyof typeof sizes>((value) => typeof value === 'string' && Object.hasOwn(sizes, value));
const scales = { '1K': 1, '2K': 2, '4K': 4 } as const;

/** Fields of the real API that make no difference here; any other name is refused, as the real one does. */
const ignored = (...names: string[]) => Object.fromEntries(names.map((name) => [name, z.unknown().optional()]));

const partSchema = z
  .strictObject({
    ...ignored('thought', 'thoughtSignature', 'fileData', 'functionCall', 'functionResponse', 'mediaResolution'),
    text: z.string().optional(),
    inlineData: z.strictObject({ mimeType: z.string(), data: z.string().min(1) }).optional(),
  })
  .refine((part) => Object.keys(part).length > 0, "required oneof field 'data' must have one initialized field");

const bodySchema = z.strictObject({
  ...ignored('model', 'safetySettings', 'tools', 'toolConfig', 'cachedContent', 'serviceTier'),
  systemInstruction: z.looseObject({ parts: z.array(partSchema).min(1) }).optional(),
  contents: z
    .array(z.strictObject({ role: z.enum(['user', 'model']).optional(), parts: z.array(partSchema).min(1) }))
    .min(1, 'contents is not specified'),
  generationConfig: z
    .strictObject({
      ...ignored('temperature', 'topP', 'topK', 'candidateCount', 'stopSequences'),
      ...ignored('mediaResolution'),
      maxOutputTokens: z.int().min(1).nullable().default(null),
      responseMimeType: z.enum(['text/plain', 'application/json']).default('text/plain'),
      responseSchema: z.unknown().optional(),
      responseJsonSchema: z.unknown().optional(),
      thinkingConfig: z.looseObject({ includeThoughts: z.boolean().default(false) }).prefault({}),
      ...ignored('presencePenalty', 'frequencyPenalty', 'responseLogprobs', 'logprobs', 'speechConfig'),
      responseModalities: z.array(z.enum(['TEXT', 'IMAGE', 'AUDIO'])).default(['TEXT', 'IMAGE']),
      seed: z.int32().nullable().default(null),
      imageConfig: z
        .strictObject({ aspectRatio: aspectRatio.default('1:1'), imageSize: z.enum(['1K', '2K', '4K']).default('1K') })
        .prefault({}),
    })
    .prefault({}),
});

export interface GenerateRequest {
  /** All text of the user's turns. */
  prompt: string;
  seed: number | null;
  width: number;
  height: number;
  modalities: string[];
  /** SHA-256 (hex) of each source image. */
  sources: string[];
  /** Standing instructions. */
  system: string;
  maxOutputTokens: number | null;
  /** JSON Schema of the answer, or the vendor's own form of it. */
  schema: unknown;
  includeThoughts: boolean;
}

/** The call as the emulator understands it, or the sentence of the 400 it deserves. Snake case is accepted. */
export function parseGenerateRequest(text: string): GenerateRequest | { invalid: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { invalid: 'Invalid JSON payload received. Parsing terminated before end of input.' };
  }
  const parsed = bodySchema.safeParse(camelCaseKeys(json));
  if (!parsed.success) return { invalid: describe(parsed.error) };

  const { contents, generationConfig } = parsed.data;
  const parts = contents.filter(({ role }) => role !== 'model').flatMap((content) => content.parts);
  const [width, height] = sizes[generationConfig.imageConfig.aspectRatio];
  const scale = scales[generationConfig.imageConfig.imageSize];
  const { responseJsonSchema, responseSchema, responseMimeType } = generationConfig;
  const schema = responseJsonSchema ?? responseSchema;
  if (schema !== undefined && responseMimeType !== 'application/json') {
    return { invalid: 'Unable to process input: a response schema needs responseMimeType application/json.' };
  }
  return {
    system: (parsed.data.systemInstruction?.parts ?? []).flatMap((part) => part.text ?? []).join('\n'),
    maxOutputTokens: generationConfig.maxOutputTokens,
    schema,
    includeThoughts: generationConfig.thinkingConfig.includeThoughts,
    prompt: parts.flatMap((part) => part.text ?? []).join('\n'),
    seed: generationConfig.seed,
    width: width * scale,
    height: height * scale,
    modalities: generationConfig.responseModalities,
    sources: parts.flatMap(({ inlineData }) =>
      inlineData === undefined ? [] : [createHash('sha256').update(inlineData.data).digest('hex')],
    ),
  };
}

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  const path = issue?.path.join('.') ?? '';
  if (issue?.code === 'unrecognized_keys') {
    const at = path === '' ? '' : ` at '${path}'`;
    return `Invalid JSON payload received. Unknown name "${issue.keys[0]}"${at}: Cannot find field.`;
  }
  return `* GenerateContentRequest.${path}: ${issue?.message ?? 'invalid'}\n`;
}

function camelCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCaseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      // A schema's keys are the user's own words.
      return [name, ['responseSchema', 'responseJsonSchema'].includes(name) ? inner : camelCaseKeys(inner)];
    }),
  );
}
