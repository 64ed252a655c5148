import { z } from 'zod';

/** Keys an engine works with; kept in its memory only. */
export const credentialsSchema = z.strictObject({
  gemini: z.strictObject({ apiKey: z.string().min(1), baseUrl: z.url().optional() }).optional(),
});
export type Credentials = z.output<typeof credentialsSchema>;

/** Those of an environment; an empty variable counts as unset. */
export function credentialsFrom(env: NodeJS.ProcessEnv): Credentials {
  const { GEMINI_API_KEY: apiKey, GEMINI_BASE_URL: baseUrl } = env;
  return apiKey ? { gemini: { apiKey, ...(baseUrl ? { baseUrl } : {}) } } : {};
}
