import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { SluiceError } from '../domain/errors.ts';
import { modelsFileSchema, type ModelsFile } from '../domain/models.ts';
import { packageRoot } from './engine/package-root.ts';

interface YamlFile {
  path: string;
  document: Document;
  lines: LineCounter;
  value: unknown;
}

const invalid = (message: string): SluiceError => new SluiceError('CONFIG_INVALID', message);

async function readYaml(path: string): Promise<YamlFile | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw invalid(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(`${path}:${lines.linePos(problem.pos[0]).line}: ${problem.message}`);
  if (document.contents !== null && !isMap(document.contents)) {
    throw invalid(`${path}:1: must hold "models:" and "quality:"`);
  }
  return { path, document, lines, value: document.toJS() ?? {} };
}

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

/** Where a file speaks of a path, or of its nearest ancestor: how deep that is, and its line. */
function locate(file: YamlFile, path: PropertyKey[]): { depth: number; line: number } {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = file.document.getIn(path.slice(0, depth - 1), true) ?? file.document.contents;
    if (!isMap(parent)) continue;
    const pair = parent.items.find((item) => String(item.key) === String(path[depth - 1]));
    if (pair !== undefined && isNode(pair.key) && pair.key.range) {
      return { depth, line: file.lines.linePos(pair.key.range[0]).line };
    }
  }
  return { depth: 0, line: 1 };
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
  const shipped = await readYaml(shippedPath);
  if (shipped === null) throw invalid(`${shippedPath} is missing: install Sluice again`);
  const own = await readYaml(join(home, 'models.yaml'));
  const parsed = modelsFileSchema.safeParse(own === null ? shipped.value : merge(shipped.value, own.value));
  if (parsed.success) return parsed.data;

  const messages = parsed.error.issues.map((issue) => {
    const [unknownKey] = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const path = unknownKey === undefined ? issue.path : [...issue.path, unknownKey];
    const rule = unknownKey === undefined ? issue.message : 'is not a field of this file';
    const inShipped = { file: shipped, ...locate(shipped, path) };
    const inOwn = own === null ? inShipped : { file: own, ...locate(own, path) };
    const { file, line } = inOwn.depth >= inShipped.depth ? inOwn : inShipped;
    return `${file.path}:${line}: ${path.map(String).join('.')}: ${rule}`;
  });
  throw invalid(messages.join('; '));
}
