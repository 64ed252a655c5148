import { readdir } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import type { FlowDefinition } from '../domain/flow-file.ts';
import type { FlowProblem } from '../domain/flow-problem.ts';
import type { ModelsFile } from '../domain/models.ts';
import { parseFlow } from '../domain/parse-flow.ts';
import { packageRoot } from './engine/package-root.ts';
import { checkGraphs } from './flow-graphs.ts';
import { locate, locateInText, readYamlFile, type YamlFile } from './yaml-file.ts';

/** A flow, and the file it stands in. */
export interface NamedFlow extends FlowDefinition {
  name: string;
  file: string;
  /** It comes with Sluice. */
  shipped: boolean;
}

/** What `flow list` says of a file: the flow, or what is wrong with it. */
export interface ListedFlow {
  name: string;
  file: string;
  shipped: boolean;
  flow: NamedFlow | null;
  /** `file:line:column: field: rule` of each mistake. */
  problems: string[];
}

export interface FlowSearch {
  home: string;
  models: ModelsFile;
}

const shippedDirectory = join(packageRoot, 'flows');

/**
 * The flow of a name: the user's in `<home>/flows`, else the one that comes with Sluice. A path (with a `/`, or
 * ending in `.yaml`) names a file.
 *
 * @throws SluiceError UNKNOWN_FLOW listing the names there are, FLOW_INVALID with every mistake of the file
 */
export async function loadFlow(nameOrPath: string, search: FlowSearch): Promise<NamedFlow> {
  const listed = await readFlowFile(nameOrPath, search);
  if (listed.flow !== null) return listed.flow;
  throw new SluiceError('FLOW_INVALID', listed.problems.join('\n'));
}

/**
 * Reads a flow and says what is wrong with it.
 * @throws SluiceError UNKNOWN_FLOW listing the names there are
 */
export async function readFlowFile(nameOrPath: string, { home, models }: FlowSearch): Promise<ListedFlow> {
  if (isFlowPath(nameOrPath)) {
    const path = resolve(nameOrPath);
    const listed = await readAt(path, models);
    if (listed !== null) return listed;
    throw new SluiceError('UNKNOWN_FLOW', `There is no flow file ${path}.`);
  }
  const files = await flowFiles(home);
  const path = files.get(nameOrPath);
  const listed = path === undefined ? null : await readAt(path, models);
  if (listed !== null) return listed;
  throw new SluiceError('UNKNOWN_FLOW', `There is no flow "${nameOrPath}".`, {
    action: `Use one of: ${[...files.keys()].toSorted().join(', ')}.`,
  });
}

/** Whether it says where the file is, and not what the flow is called. */
export function isFlowPath(nameOrPath: string): boolean {
  return /[/\\]|\.ya?ml$/i.test(nameOrPath);
}

/** All flows a batch can name, by name; also those whose file is wrong. */
export async function listFlows({ home, models }: FlowSearch): Promise<ListedFlow[]> {
  const files = await flowFiles(home);
  const listed = await Promise.all([...files.values()].map((path) => readAt(path, models)));
  return listed.filter((flow) => flow !== null).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Paths by name; the user's go before those that come with Sluice. */
async function flowFiles(home: string): Promise<Map<string, string>> {
  const directories = [shippedDirectory, join(home, 'flows')];
  const found = await Promise.all(directories.map(async (directory) => ({ directory, names: await names(directory) })));
  return new Map(
    found.flatMap(({ directory, names: files }) =>
      files.map((file) => [basename(file, extname(file)), join(directory, file)] as const),
    ),
  );
}

async function names(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory() && /\.ya?ml$/i.test(entry.name)).map(({ name }) => name);
}

async function readAt(path: string, models: ModelsFile): Promise<ListedFlow | null> {
  const name = basename(path, extname(path));
  const shipped = path.startsWith(shippedDirectory);
  const bad = (problems: string[]): ListedFlow => ({ name, file: path, shipped, flow: null, problems });
  let file: YamlFile | null;
  try {
    file = await readYamlFile(path, '"name:" and "steps:"');
  } catch (error) {
    if (error instanceof SluiceError) return bad([error.message]);
    throw error;
  }
  if (file === null) return null;
  const parsed = parseFlow(file.value, models);
  if (!parsed.ok) return bad(placed(file, parsed.problems));
  const { definition } = parsed;
  if (definition.flow.name !== name) {
    return bad(placed(file, [{ path: ['name'], rule: `must be that of the file, "${name}"` }]));
  }
  const ofGraphs = await checkGraphs(definition.flow, path);
  if (ofGraphs.length > 0) return bad(placed(file, ofGraphs));
  return { name, file: path, shipped, flow: { ...definition, name, file: path, shipped }, problems: [] };
}

/** In the order of the file. */
function placed(file: YamlFile, problems: readonly FlowProblem[]): string[] {
  return problems
    .map(({ path, rule, at }) => {
      const { line, column } = at === undefined ? locate(file, path) : locateInText(file, path, at);
      return { line, column, message: `${fieldName(file.value, path)}: ${rule}` };
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, message }) => `${file.path}:${String(line)}:${String(column)}: ${message}`);
}

/** `steps.draft.with.prompt`: steps by their ids, not their places. */
function fieldName(value: unknown, path: readonly PropertyKey[]): string {
  let at = value;
  const names = path.map((key) => {
    const parent = at;
    at = typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined;
    const id = Array.isArray(parent) && typeof at === 'object' && at !== null && 'id' in at ? at.id : undefined;
    return typeof id === 'string' ? id : String(key);
  });
  return names.length === 0 ? 'file' : names.join('.');
}
