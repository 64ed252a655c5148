import { vendors, type Vendor } from '../domain/vendors.ts';
import type { Config } from './config.ts';
import { mergeCredentials, vendorCredentials, type Credentials } from './engine/credentials.ts';

/** What an engine is to work with by a user's configuration: settings that are not enough for a call bring nothing. */
export function credentialsOf(config: Config): Credentials {
  const given = vendors.map((vendor) => {
    const { api_key: apiKey, base_url: baseUrl } = config[vendor];
    return vendorCredentials(vendor, { apiKey, baseUrl });
  });
  return [...given, config.gpus.length > 0 ? { gpus: config.gpus } : {}].reduce(mergeCredentials, {});
}

/** Vendors that a user's configuration is enough to call. */
export function vendorsGiven(config: Config): Vendor[] {
  const credentials = credentialsOf(config);
  return vendors.filter((vendor) => credentials[vendor] !== undefined);
}

/** The environment of an engine that is started with this configuration; keys are handed over otherwise. */
export function engineEnvironment({ temporal, api }: Config, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...env,
    ...(temporal.address === undefined ? {} : { TEMPORAL_ADDRESS: temporal.address }),
    ...(temporal.namespace === undefined ? {} : { TEMPORAL_NAMESPACE: temporal.namespace }),
    ...(Object.keys(api).length === 0 ? {} : { SLUICE_API: JSON.stringify(api) }),
  };
}
