import { z } from 'zod';
import { defined } from '../../domain/defined.ts';
import { gpuEndpointsSchema, parseGpuEndpoints } from '../../domain/gpu-endpoint.ts';
import { vendorFacts, vendors, type Vendor } from '../../domain/vendors.ts';

const keySchema = z.string().min(1);
const keyAndUrl = z.strictObject({ apiKey: keySchema, baseUrl: z.url().exactOptional() });

/** Keys an engine works with, and servers with passwords; kept in its memory only. */
export const credentialsSchema = z.strictObject({
  gemini: keyAndUrl.exactOptional(),
  /** A server of one's own that speaks OpenAI's API may want no key. */
  openai: z.union([keyAndUrl, z.strictObject({ baseUrl: z.url() })]).exactOptional(),
  anthropic: keyAndUrl.exactOptional(),
  gpus: gpuEndpointsSchema.min(1).exactOptional(),
});
export type Credentials = z.output<typeof credentialsSchema>;

/** What a vendor's settings come to; an empty object where they are not enough to call it. */
export function vendorCredentials(
  vendor: Vendor,
  { apiKey, baseUrl }: { apiKey?: string | undefined; baseUrl?: string | undefined },
): Credentials {
  if (apiKey) return { [vendor]: { apiKey, ...(baseUrl ? { baseUrl } : {}) } };
  return vendor === 'openai' && baseUrl ? { openai: { baseUrl } } : {};
}

/**
 * Those of an environment; an empty variable counts as unset.
 * @throws SluiceError CONFIG_INVALID if SLUICE_GPUS cannot be read
 */
export function credentialsFrom(env: NodeJS.ProcessEnv): Credentials {
  const gpus = parseGpuEndpoints(env['SLUICE_GPUS']);
  const given = vendors.map((vendor) => {
    const { keyVariable, urlVariable } = vendorFacts[vendor];
    return vendorCredentials(vendor, { apiKey: env[keyVariable], baseUrl: env[urlVariable] });
  });
  return [...given, gpus.length > 0 ? { gpus } : {}].reduce(mergeCredentials, {});
}

const variables = new Set([
  'SLUICE_GPUS',
  ...vendors.flatMap((vendor) => [vendorFacts[vendor].keyVariable, vendorFacts[vendor].urlVariable]),
]);

/**
 * An environment in which these stand and no others. What a part says replaces all that stood of it, so that
 * a key never meets the address of another.
 */
export function withCredentials(env: NodeJS.ProcessEnv, credentials: Credentials): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !variables.has(name));
  const { gpus } = credentials;
  const own = vendors.map((vendor) => {
    const { keyVariable, urlVariable } = vendorFacts[vendor];
    const { apiKey, baseUrl }: { apiKey?: string; baseUrl?: string } = credentials[vendor] ?? {};
    return defined({ [keyVariable]: apiKey, [urlVariable]: baseUrl });
  });
  const changed = [...own, gpus === undefined ? {} : { SLUICE_GPUS: JSON.stringify(gpus) }];
  return changed.reduce<NodeJS.ProcessEnv>((all, part) => ({ ...all, ...part }), Object.fromEntries(others));
}

/** What a command brings, part by part: it takes away nothing that others have brought. */
export function mergeCredentials(present: Credentials, brought: Credentials): Credentials {
  return { ...present, ...defined(brought) };
}
