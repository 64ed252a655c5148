import { join } from 'node:path';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { SluiceError } from '../domain/errors.ts';

const host = z.union([z.ipv4(), z.ipv6(), z.literal('localhost')], 'must be an IP address or localhost');

/** `api:` in the configuration: where the REST service listens, and what it allows. */
export const apiConfigSchema = z
  .strictObject({
    /** Address it listens at. Other than loopback it does not start without tokens. @default 127.0.0.1 */
    host,
    /** @default the first that is free from `ports.api` of temporal-dev.yaml on */
    port: z.int().min(1).max(65_535),
    /** Names it may be called by besides its address and localhost, e.g. that of a proxy in front of it. */
    allowed_hosts: z.array(z.string().min(1)),
    /** Directory below which batches are written. @default `batches` in the home */
    output_root: z.string().min(1),
    /** Directory below which inputs of schedules that are made over REST may lie. @default none may */
    input_root: z.string().min(1),
    /** Addresses an input may be fetched from: what a URL has to begin with, one of them. @default none */
    input_urls: z.array(z.url({ protocol: /^https?$/, error: 'must be an http(s) address' })),
    /** Longest body of JSON, bytes. */
    max_body_bytes: z.int().min(1_024),
    /** Longest file that is uploaded, bytes. */
    max_upload_bytes: z.int().min(1_024),
    /** Requests a minute for each token, or each address where there are no tokens. */
    requests_per_minute: z.int().min(1),
    /** Connections at once. */
    max_connections: z.int().min(1),
  })
  .partial();
type ApiConfig = z.output<typeof apiConfigSchema>;

const defaults = {
  host: '127.0.0.1',
  allowed_hosts: [],
  input_urls: [],
  max_body_bytes: 16 * 1024 ** 2,
  max_upload_bytes: 20 * 1024 ** 3,
  requests_per_minute: 6_000,
  max_connections: 1_000,
} satisfies ApiConfig;

/** Settings of the REST service; `port`, `output_root` and `input_root` are absent where nobody chose one. */
export type ApiSettings = { [K in keyof typeof defaults]: NonNullable<ApiConfig[K]> } & Pick<
  ApiConfig,
  'port' | 'output_root' | 'input_root'
>;

/** Directory below which what is started over REST is written. */
export function outputRootOf(home: string, { output_root: root }: Pick<ApiSettings, 'output_root'>): string {
  return root ?? join(home, 'batches');
}

/**
 * Reads the variable `SLUICE_API`, in which an engine's settings for its REST service travel as JSON.
 * Unset or empty: the defaults.
 *
 * @throws SluiceError CONFIG_INVALID naming the field and the rule
 */
export function apiSettingsFrom(env: NodeJS.ProcessEnv): ApiSettings {
  const parsed = apiConfigSchema.safeParse(parseJson(env['SLUICE_API'] || '{}'));
  if (parsed.success) return { ...defaults, ...defined(parsed.data) };
  const issue = parsed.error.issues[0];
  const field = ['SLUICE_API', ...(issue?.path ?? [])].join('.');
  throw new SluiceError('CONFIG_INVALID', `environment: ${field}: ${issue?.message ?? 'invalid'}.`);
}

/** Whether only this machine reaches an address. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || address.startsWith('127.');
}

/** Where this machine itself reaches what listens at an address: one that stands for all is none to call. */
export function reachableHost(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
