import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';

const port = z.int().min(0).max(65_535);
const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

/** `temporal-dev.yaml`: how the engine's own Temporal server is run. */
const devServerConfigSchema = z.strictObject({
  namespace: z.string().min(1).default('default'),
  /** Loopback only: the server asks nobody for a password. */
  ip: z.literal(['127.0.0.1', '::1']).default('127.0.0.1'),
  /** Preferred ports; 0: any free one. */
  ports: z
    .strictObject({
      server: port.default(7233),
      ui: port.default(8233),
      api: port.default(8400),
      emulator: port.default(0),
      comfyui: port.default(0),
    })
    .prefault({}),
  /** File name under the home. */
  database: z
    .string()
    .regex(/^[\w.-]+$/)
    .default('temporal.db'),
  sqlite: z.record(identifier, z.union([z.string(), z.number()])).default({}),
  retention_days: z.int().min(1).max(3_650).default(30),
  log_level: z.enum(['debug', 'info', 'warn', 'error', 'never']).default('warn'),
  search_attributes: z
    .record(identifier, z.enum(['Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList']))
    .default({}),
  dynamic_config: z.record(z.string().min(1), z.json()).default({}),
  env: z.record(z.string().min(1), z.coerce.string()).default({}),
});

export type DevServerConfig = z.output<typeof devServerConfigSchema>;

/** Reads `temporal-dev.yaml`. Throws CONFIG_INVALID naming the file, the field and the rule. */
export function loadDevServerConfig(file: string): DevServerConfig {
  const document = parseDocument(readFileSync(file, 'utf8'));
  const broken = document.errors[0];
  if (broken !== undefined) throw new SluiceError('CONFIG_INVALID', `${file}: ${broken.message}`);
  const parsed = devServerConfigSchema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SluiceError('CONFIG_INVALID', `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/**
 * Arguments of `temporal` for the engine's server. Search attributes and pragmas may be given again
 * for a database that has them.
 * @see https://docs.temporal.io/cli/server#start-dev
 */
export function devServerArgs(
  config: DevServerConfig,
  place: { databaseFile: string; ports: { server: number; ui: number } },
): string[] {
  return [
    'server',
    'start-dev',
    ...['--ip', config.ip],
    ...['--port', String(place.ports.server)],
    ...['--ui-port', String(place.ports.ui)],
    ...['--db-filename', place.databaseFile],
    ...['--log-level', config.log_level],
    ...(config.namespace === 'default' ? [] : ['--namespace', config.namespace]),
    ...repeat('--sqlite-pragma', config.sqlite, String),
    ...repeat('--search-attribute', config.search_attributes, String),
    ...repeat('--dynamic-config-value', config.dynamic_config, (value) => JSON.stringify(value)),
  ];
}

function repeat<T>(flag: string, values: Record<string, T>, show: (value: T) => string): string[] {
  return Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${show(value)}`]);
}
