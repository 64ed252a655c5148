import { hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ComfySpec } from '../../domain/comfy-work.ts';
import { isPlain, type Flow } from '../../domain/flow.ts';
import { hostProblem } from '../../domain/host-rules.ts';
import { createHashMap } from '../../domain/hash-map.ts';
import { placeId, toStagedItem } from '../../domain/input-item.ts';
import { parseInputRow, type InputRow } from '../../domain/input-row.ts';
import type { StagedItem } from '../../domain/item.ts';
import type { ModelsFile } from '../../domain/models.ts';
import { createNameAllocator, safeOutputName } from '../../domain/output-name.ts';
import { rowRules } from '../../domain/row-rules.ts';
import type { RawRow, Rejected } from './input-entry.ts';
import { readInput, type ReadInputOptions } from './read-input.ts';
import { sourceDirectory, type InputSource } from './source.ts';

export interface ParseInputOptions extends ReadInputOptions {
  /** Whether rows may name files of this machine. @default true */
  localFiles?: boolean | undefined;
  models: ModelsFile;
  /** For rows that name no model. @default null: by the row's quality */
  defaultModel?: string | null | undefined;
  /** As the batch runs it. @default `image` */
  flow?: Flow | undefined;
  /** Of flows whose items ComfyUI servers make. */
  comfy?: ComfySpec | undefined;
}

export type ParsedInput = { ok: true; item: StagedItem } | { ok: false; rejected: Rejected };

const imageFlow: Flow = { name: 'image', steps: [{ id: 'image', uses: 'image' }] };

const sha256 = (text: string): string => hash('sha256', text, 'hex');

/** Why a picture may not be fetched for somebody elsewhere, as far as its address itself tells, or undefined. */
function outsideProblem(address: string): string | undefined {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return 'from_image: must be an http(s) address';
  const url = new URL(address);
  const isInside = !url.hostname.includes('.') || /\.(?:localhost|local|internal)\.?$/i.test(url.hostname);
  const problem = isInside && !url.hostname.startsWith('[') ? 'its host is one of the inside network' : null;
  const found = problem ?? hostProblem({ allow: [] }, url);
  return found === null ? undefined : `from_image: ${found}`;
}

/** Looks once at a source image that many rows share; forgets now and then, to stay small. */
function createFileCheck(): (path: string) => Promise<boolean> {
  const known = new Map<string, boolean>();
  return async (path) => {
    const seen = known.get(path);
    if (seen !== undefined) return seen;
    if (known.size >= 10_000) known.clear();
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    known.set(path, isFile);
    return isFile;
  };
}

/**
 * Turns a CSV or JSONL into items, one at a time, in the order of the source; bad rows come out as
 * rejected ones with the reason and never end it. The same source gives the same items every time.
 * A row without an id is called by its place among the records (`item-000007`), rejected ones counted,
 * so that correcting a bad row leaves the ids of the others alone.
 *
 * Memory: about 24 bytes a row, to tell ids and names apart.
 *
 * Throws what {@link readInput} throws.
 */
export async function* parseInput(source: InputSource, options: ParseInputOptions): AsyncGenerator<ParsedInput> {
  const base = sourceDirectory(source);
  const isFile = createFileCheck();
  const names = createNameAllocator();
  /** Row that first used an id. */
  const rowOfId = createHashMap();
  let ordinal = 0;
  let index = 0;
  let pictures = 0;
  const flow = options.flow ?? imageFlow;
  const rules = rowRules(flow);
  const required = [...rules.required, ...rules.columns.flatMap((column) => (column.required ? [column.name] : []))];

  const paths = rules.columns.filter(({ type }) => type === 'path').map(({ name }) => name);
  const resolvePaths = ({ data = {} }: InputRow): string | undefined => {
    for (const name of paths) {
      const path = data[name];
      if (typeof path !== 'string' || path === '') continue;
      if (options.localFiles === false) return `${name}: rows of this source cannot name files`;
      data[name] = resolve(base, path);
    }
    return undefined;
  };

  const resolveSource = async (row: InputRow): Promise<string | undefined> => {
    if (row.from_image === undefined) return undefined;
    if (options.localFiles === false) return outsideProblem(row.from_image);
    if (/^https?:\/\//i.test(row.from_image)) return undefined;
    const path = resolve(base, row.from_image);
    if (!(await isFile(path))) return `from_image: there is no file ${path}`;
    row.from_image = path;
    return undefined;
  };

  const freeId = (): string => {
    const id = placeId(ordinal);
    for (let suffix = 2; ; suffix++) {
      const candidate = suffix === 2 ? id : `${id}-${suffix - 1}`;
      if (rowOfId.get(candidate) === undefined) return candidate;
    }
  };

  const parse = async (entry: RawRow): Promise<{ ok: true; item: StagedItem } | { ok: false; message: string }> => {
    const parsed = parseInputRow(entry.cells, rules);
    if (!parsed.ok) return parsed;
    const { row } = parsed;
    const earlier = row.id === undefined ? undefined : rowOfId.get(row.id);
    if (earlier !== undefined) {
      return { ok: false, message: `id: must be unique ("${row.id}" is the id of row ${earlier})` };
    }
    const missing = resolvePaths(row) ?? (await resolveSource(row));
    if (missing !== undefined) return { ok: false, message: missing };
    const id = row.id ?? freeId();
    const wanted = safeOutputName(row.output_name ?? '') ?? safeOutputName(id) ?? placeId(ordinal);
    const stage = (name: string) =>
      toStagedItem(row, {
        index,
        rowNumber: entry.rowNumber,
        id,
        name,
        flow: isPlain(flow) ? undefined : flow,
        models: options.models,
        defaultModel: options.defaultModel ?? null,
        comfy: options.comfy === undefined ? undefined : { spec: options.comfy, firstPicture: pictures + 1 },
        sha256,
      });
    // A row that fails must not use a name up.
    const sound = stage(wanted);
    if (!sound.ok) return sound;
    rowOfId.set(id, entry.rowNumber);
    // Sprites without a name of their own are numbered.
    const numbered = isPlain(flow) && sound.item.comfy !== undefined && row.output_name === undefined;
    const staged = numbered ? sound : stage(names.allocate(wanted));
    if (!staged.ok) return staged;
    if (row.from_image !== undefined && options.localFiles !== false) staged.item.localSource = true;
    index++;
    if (numbered) pictures += sound.item.comfy?.count ?? 0;
    return staged;
  };

  for await (const entry of readInput(source, { ...options, required })) {
    ordinal++;
    if (entry.kind === 'rejected') {
      yield { ok: false, rejected: entry };
      continue;
    }
    const result = await parse(entry);
    if (result.ok) {
      yield result;
    } else {
      const { rowNumber, raw } = entry;
      const { message } = result;
      yield { ok: false, rejected: { kind: 'rejected', rowNumber, errorType: 'validation_error', message, raw } };
    }
  }
}
