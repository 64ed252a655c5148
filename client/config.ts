import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { batchSpecSchema, limitsSchema, retrySpecSchema } from '../domain/batch-spec.ts';
import { budgetsSchema } from '../domain/budgets.ts';
import { SluiceError } from '../domain/errors.ts';
import { apiConfigSchema } from './api-settings.ts';
import { notifyConfigSchema, webhooksConfigSchema } from '../domain/event-config.ts';
import { gpuEndpointsSchema, parseGpuEndpoints, type GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
import { vendorFacts, vendors } from '../domain/vendors.ts';

const vendorSchema = z
  .strictObject({ api_key: z.string().min(1), base_url: z.url() })
  .partial()
  .default({});

/** `sluice.yaml` in the working directory, `config.yaml` in the home. The limits are those of the options. */
const configFileSchema = z.strictObject({
  defaults: z
    .strictObject({
      concurrency: limitsSchema.shape.concurrency.unwrap(),
      rate_limit: limitsSchema.shape.ratePerMinute.unwrap(),
      budget_usd: limitsSchema.shape.budgetUsd.unwrap(),
      model: z.string().min(1),
      error_policy: batchSpecSchema.shape.errorPolicy.unwrap(),
      max_attempts: retrySpecSchema.shape.maxAttempts.unwrap(),
      timeout_ms: batchSpecSchema.shape.timeoutMs.unwrap(),
      /** Directory that batches without `-o` are written to. */
      output: z.string().min(1),
    })
    .partial()
    .default({}),
  gemini: vendorSchema,
  openai: vendorSchema,
  anthropic: vendorSchema,
  temporal: z
    .strictObject({ address: z.string().min(1), namespace: z.string().min(1) })
    .partial()
    .default({}),
  /** Results kept for other batches; read by the engine, from `$SLUICE_HOME/config.yaml` alone. */
  cache: z
    .strictObject({ max_gb: z.number().gt(0).max(100_000) })
    .partial()
    .default({}),
  /** What flows and webhooks may ask over http; read by the engine, from `$SLUICE_HOME/config.yaml` alone. */
  http: z.strictObject({ allow: z.array(z.string().min(1)).default([]) }).prefault({}),
  /** The user's ComfyUI servers. A list replaces a weaker one whole, so that entries are never mixed. */
  gpus: gpuEndpointsSchema.optional(),
  /** Who is told of batches; in the home only, where the engine finds it. */
  webhooks: webhooksConfigSchema.optional(),
  notify: notifyConfigSchema.optional(),
  /** The REST service of an engine that is started with this configuration. */
  api: apiConfigSchema.default({}),
  /** Over all batches of the home, and so only in its own file. */
  budgets: budgetsSchema.optional(),
});

type ConfigFile = z.output<typeof configFileSchema>;

/** Defaults and keys of a user, from the environment and the files. What is absent was not set. */
export interface Config extends ConfigFile {
  gpus: GpuEndpointConfig[];
  /** Files that were read, the stronger first. */
  files: string[];
}

export interface LoadConfigOptions {
  cwd: string;
  home: string;
  env: NodeJS.ProcessEnv;
  /** Told if a file with a key or password can be read by others. */
  notice: (line: string) => void;
}

/**
 * Reads the configuration. Setting by setting the environment (key and address of each vendor,
 * TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, SLUICE_GPUS as JSON) wins over `./sluice.yaml`, and that over `$SLUICE_HOME/config.yaml`.
 *
 * @throws SluiceError CONFIG_INVALID naming the file, the field and the rule, never a value
 */
export function loadConfig(options: LoadConfigOptions): Config {
  const candidates = [join(options.cwd, 'sluice.yaml'), join(options.home, 'config.yaml')];
  const read = candidates.flatMap((file) => {
    const config = readConfigFile(file, options.notice);
    if (config !== null && file !== candidates[1]) assertNoTargets(file, config);
    return config === null ? [] : [{ file, config }];
  });
  const elsewhere = read.find(({ file, config }) => file !== candidates[1] && config.budgets !== undefined);
  if (elsewhere !== undefined) {
    const message = `${elsewhere.file}: budgets: belongs into ${candidates[1] ?? ''}, because it holds for all batches.`;
    throw new SluiceError('CONFIG_INVALID', message);
  }
  const layers = [fromEnvironment(options.env), ...read.map(({ config }) => config)].reverse();
  return {
    defaults: merge(layers.map((layer) => layer.defaults)),
    gemini: merge(layers.map((layer) => layer.gemini)),
    openai: merge(layers.map((layer) => layer.openai)),
    anthropic: merge(layers.map((layer) => layer.anthropic)),
    temporal: merge(layers.map((layer) => layer.temporal)),
    api: merge(layers.map((layer) => layer.api)),
    cache: merge(layers.map((layer) => layer.cache)),
    http: layers.findLast((layer) => layer.http.allow.length > 0)?.http ?? { allow: [] },
    webhooks: layers.findLast((layer) => layer.webhooks !== undefined)?.webhooks,
    notify: layers.findLast((layer) => layer.notify !== undefined)?.notify,
    gpus: layers.findLast((layer) => layer.gpus !== undefined)?.gpus ?? [],
    budgets: read.find(({ config }) => config.budgets !== undefined)?.config.budgets,
    files: read.map(({ file }) => file),
  };
}

/** Setting by setting, the last wins. */
function merge<T extends object>(layers: T[]): T {
  return layers.reduce((weaker, stronger) => ({ ...weaker, ...stronger }));
}

/** An empty variable counts as unset. A broken one is reported like a broken file. */
function fromEnvironment(env: NodeJS.ProcessEnv): ConfigFile {
  const config = parseConfig('environment', {
    ...Object.fromEntries(
      vendors.map((vendor) => {
        const { keyVariable, urlVariable } = vendorFacts[vendor];
        return [vendor, given({ api_key: env[keyVariable], base_url: env[urlVariable] })];
      }),
    ),
    temporal: given({ address: env['TEMPORAL_ADDRESS'], namespace: env['TEMPORAL_NAMESPACE'] }),
  });
  return env['SLUICE_GPUS'] ? { ...config, gpus: parseGpuEndpoints(env['SLUICE_GPUS']) } : config;
}

function given(values: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

function readConfigFile(file: string, notice: (line: string) => void): ConfigFile | null {
  const text = readIfThere(file);
  if (text === null) return null;
  const document = parseDocument(text, { prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    // The parser's own message quotes the file, which may hold a key.
    const line = text.slice(0, broken.pos[0]).split('\n').length;
    throw new SluiceError('CONFIG_INVALID', `${file}: line ${line} is not valid YAML (${broken.code}).`);
  }
  const config = parseConfig(file, document.toJS() ?? {});
  const secret = secretOf(config);
  if (secret !== null && (statSync(file).mode & 0o077) !== 0)
    notice(`${file} holds a ${secret} and can be read by others; do: chmod 600 ${file}`);
  return config;
}

function secretOf({ gpus = [], ...config }: ConfigFile): 'key' | 'password' | null {
  if (vendors.some((vendor) => config[vendor].api_key !== undefined)) return 'key';
  return gpus.some(({ url }) => new URL(url).password !== '') ? 'password' : null;
}

/** The engine delivers events, and knows no directory that a command was started in. */
function assertNoTargets(file: string, { webhooks, notify }: ConfigFile): void {
  if (webhooks === undefined && notify === undefined) return;
  throw new SluiceError('CONFIG_INVALID', `${file}: webhooks: and notify: belong into $SLUICE_HOME/config.yaml.`);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    throw new SluiceError('CONFIG_INVALID', `${file} cannot be read (${reason}).`, { cause: error });
  }
}

function parseConfig(source: string, value: unknown): ConfigFile {
  const parsed = configFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || 'file';
  throw new SluiceError('CONFIG_INVALID', `${source}: ${field}: ${issue?.message ?? 'invalid'}.`);
}
