import { z } from 'zod';
import { SluiceError } from './errors.ts';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'must be of a-z, 0-9, dots and hyphens, and start with a letter or digit');

/**
 * A ComfyUI server of the user, and so a GPU: where it is, and the classes of jobs it serves. Every one serves
 * `any`, so that jobs without a wish find all of them. Reading what was read once changes nothing.
 */
export const gpuEndpointSchema = z.strictObject({
  name,
  /** May hold `user:password@`. */
  url: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }),
  classes: z
    .array(name)
    .default([])
    .transform((classes) => [...new Set(['any', ...classes])]),
});
export type GpuEndpointConfig = z.output<typeof gpuEndpointSchema>;

/** All of a user's endpoints: their names tell them apart, and none is given work twice under two names. */
export const gpuEndpointsSchema = z.array(gpuEndpointSchema).superRefine((endpoints, context) => {
  endpoints.forEach((endpoint, index) => {
    if (endpoints.findIndex((other) => other.name === endpoint.name) < index)
      context.addIssue({ code: 'custom', path: [index, 'name'], message: `"${endpoint.name}" is given twice` });
    const same = endpoints.find((other) => withoutCredentials(other.url) === withoutCredentials(endpoint.url));
    if (same !== undefined && same !== endpoint)
      context.addIssue({ code: 'custom', path: [index, 'url'], message: `is that of "${same.name}" already` });
  });
});

/**
 * Reads the variable `SLUICE_GPUS`, in which a person or an engine's supervisor gives endpoints as JSON.
 * Unset or empty: none.
 *
 * @throws SluiceError CONFIG_INVALID naming the field and the rule, never the value, which may hold a password
 */
export function parseGpuEndpoints(text: string | undefined): GpuEndpointConfig[] {
  if (!text) return [];
  const parsed = gpuEndpointsSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = ['SLUICE_GPUS', ...(issue?.path ?? [])].join('.');
  throw new SluiceError('CONFIG_INVALID', `environment: ${field}: ${issue?.message ?? 'invalid'}.`, {
    action: 'Correct the variable SLUICE_GPUS: a JSON list of {"name", "url", "classes"}.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new SluiceError('CONFIG_INVALID', 'environment: SLUICE_GPUS is not JSON.', {
      action: 'Correct the variable SLUICE_GPUS: a JSON list of {"name", "url", "classes"}.',
    });
  }
}

/** An address that can be shown: without user and password. */
export function withoutCredentials(address: string): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}
