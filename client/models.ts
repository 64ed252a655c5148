import { join } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import { modelsFileSchema, type ModelsFile } from '../domain/models.ts';
import { packageRoot } from './engine/package-root.ts';
import { describeIssue, locate, readYamlFile } from './yaml-file.ts';

const invalid = (message: string): SluiceError => new SluiceError('CONFIG_INVALID', message);
const holds = '"models:" and "quality:"';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are merged key by key, everything else (null included) is replaced. */
function merge(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries(
    [...keys].map((key) => {
      if (!Object.hasOwn(over, key)) return [key, base[key]];
      return [key, Object.hasOwn(base, key) ? merge(base[key], over[key]) : over[key]];
    }),
  );
}

/**
 * Models, prices and limits: the `models.yaml` that comes with Sluice, changed and extended by
 * `<home>/models.yaml`, which needs to name only what differs (maps are merged, also inside a model;
 * `null` takes a limit away).
 *
 * Throws CONFIG_INVALID naming file, line, field and rule.
 */
export async function loadModels(home: string): Promise<ModelsFile> {
  const shippedPath = join(packageRoot, 'models.yaml');
  const shipped = await readYamlFile(shippedPath, holds);
  if (shipped === null) throw invalid(`${shippedPath} is missing: install Sluice again`);
  const own = await readYamlFile(join(home, 'models.yaml'), holds);
  const parsed = modelsFileSchema.safeParse(own === null ? shipped.value : merge(shipped.value, own.value));
  if (parsed.success) return parsed.data;

  const messages = parsed.error.issues.map((issue) => {
    const { path, rule } = describeIssue(issue);
    const inShipped = { file: shipped, ...locate(shipped, path) };
    const inOwn = own === null ? inShipped : { file: own, ...locate(own, path) };
    const { file, line } = inOwn.depth >= inShipped.depth ? inOwn : inShipped;
    return `${file.path}:${line}: ${path.map(String).join('.')}: ${rule}`;
  });
  throw invalid(messages.join('; '));
}
