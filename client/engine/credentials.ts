import { z } from 'zod';
import { gpuEndpointsSchema, parseGpuEndpoints } from '../../domain/gpu-endpoint.ts';

/** Keys an engine works with, and servers with passwords; kept in its memory only. */
export const credentialsSchema = z.strictObject({
  gemini: z.strictObject({ apiKey: z.string().min(1), baseUrl: z.url().optional() }).optional(),
  gpus: gpuEndpointsSchema.min(1).optional(),
});
export type Credentials = z.output<typeof credentialsSchema>;

/**
 * Those of an environment; an empty variable counts as unset.
 * @throws SluiceError CONFIG_INVALID if SLUICE_GPUS cannot be read
 */
export function credentialsFrom(env: NodeJS.ProcessEnv): Credentials {
  const { GEMINI_API_KEY: apiKey, GEMINI_BASE_URL: baseUrl } = env;
  const gpus = parseGpuEndpoints(env['SLUICE_GPUS']);
  return {
    ...(apiKey ? { gemini: { apiKey, ...(baseUrl ? { baseUrl } : {}) } } : {}),
    ...(gpus.length > 0 ? { gpus } : {}),
  };
}

/**
 * An environment in which these stand and no others. What a part says replaces all that stood of it, so that
 * a key never meets the address of another.
 */
export function withCredentials(env: NodeJS.ProcessEnv, { gemini, gpus }: Credentials): NodeJS.ProcessEnv {
  const { GEMINI_API_KEY: _key, GEMINI_BASE_URL: _url, SLUICE_GPUS: _gpus, ...rest } = env;
  return {
    ...rest,
    ...(gemini === undefined ? {} : { GEMINI_API_KEY: gemini.apiKey }),
    ...(gemini?.baseUrl === undefined ? {} : { GEMINI_BASE_URL: gemini.baseUrl }),
    ...(gpus === undefined ? {} : { SLUICE_GPUS: JSON.stringify(gpus) }),
  };
}

/** What a command brings, part by part: it takes away nothing that others have brought. */
export function mergeCredentials(present: Credentials, brought: Credentials): Credentials {
  return {
    ...present,
    ...(brought.gemini === undefined ? {} : { gemini: brought.gemini }),
    ...(brought.gpus === undefined ? {} : { gpus: brought.gpus }),
  };
}
