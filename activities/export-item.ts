import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';
import { safeOutputName } from '../domain/output-name.ts';
import { parseSidecar, sidecarKey } from '../domain/sidecar.ts';
import { stepOptions } from '../domain/step-options.ts';
import { writeArtifact } from './artifact.ts';
import type { Attempt } from './attempt.ts';
import { writeEpub, type Chapter } from './export/epub.ts';
import { readChapters } from './export/read-chapters.ts';
import { createStepActivity } from './step-activity.ts';
import { readStepOptions } from './step-options.ts';
import type { StepDeps } from './step-work.ts';
import { Turns } from './turns.ts';
import type { LightStepActivities } from './types.ts';

type Format = z.output<typeof stepOptions.export>['format'];

/** What a document is made of; its texts are in it, so that a changed one makes another document. */
interface ExportRequest {
  format: Format;
  name: string | null;
  title: string;
  author: string | null;
  language: string;
  modified: string;
  chapters: Chapter[];
  /** Of `json`: what is written. */
  value: z.core.util.JSONType;
  cover: string | null;
  coverSha256: string | null;
}

const kinds: Readonly<Record<Format, { folder: string; extension: string; mimeType: string }>> = {
  markdown: { folder: 'texts', extension: 'md', mimeType: 'text/markdown' },
  text: { folder: 'texts', extension: 'txt', mimeType: 'text/plain' },
  json: { folder: 'texts', extension: 'json', mimeType: 'application/json' },
  epub: { folder: 'books', extension: 'epub', mimeType: 'application/epub+zip' },
};

const coverTypes: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
};

/** Writes a document of one text, or a book of several: `texts/<name>.md`, `books/<name>.epub`, with its sidecar. */
export function createExportItem(deps: StepDeps): LightStepActivities['exportItem'] {
  // Of two items that want one name the second looks when the first has written.
  const turns = new Turns();
  return createStepActivity(deps, {
    request: readRequest,
    async run(attempt, request) {
      const { store, item } = attempt;
      const { folder, extension, mimeType } = kinds[request.format];
      const own = attempt.fileName({ eachRound: false });
      const path = `${folder}/${request.name ?? own}.${extension}`;
      const data = Buffer.from(await documentOf(attempt, request));
      const { chapters, value: _value, ...facts } = request;
      await turns.take(`${store.uri} ${path}`, async () => {
        await assertFree(attempt, own, path);
        await writeArtifact(store, { ...item, name: own }, { path, mimeType, data }, attempt.succeeded(path), {
          batch_id: attempt.input.batchId,
          mode: attempt.input.mode,
          request: { ...facts, chapters: chapters.map(({ title }) => title) },
        });
      });
      return { path };
    },
  });
}

async function readRequest(attempt: Attempt): Promise<ExportRequest> {
  const { store, item, input } = attempt;
  const place = `steps.${input.step.id}.with`;
  const options = readStepOptions(attempt, stepOptions.export);
  const { format, cover = null, text, chapters } = options;
  const bytes = typeof cover === 'string' ? await store.get(cover) : null;
  if (typeof cover === 'string' && bytes === null) {
    throw new SluiceError('INVALID_INPUT', `${place}.cover: there is no ${cover} in the batch directory`);
  }
  const given = [text, chapters, options.from_batch].filter((source) => source !== null && source !== undefined);
  if (given.length !== 1) {
    throw new SluiceError('INVALID_INPUT', `${place}: needs one of text, chapters, from_batch`);
  }
  if (format !== 'json' && text !== null && text !== undefined && typeof text !== 'string') {
    throw new SluiceError('INVALID_INPUT', `${place}.text: must be a text for the format ${format}`);
  }
  const title = options.title ?? item.name;
  return {
    format,
    name: options.name === null || options.name === undefined ? null : (safeOutputName(options.name) ?? null),
    title,
    author: options.author ?? null,
    language: options.language ?? 'en',
    modified: `${options.date ?? '2000-01-01'}T00:00:00Z`,
    chapters: format === 'json' ? [] : await chaptersOf(attempt, { ...options, title }),
    value: format === 'json' ? (text ?? (Array.isArray(chapters) ? chapters : null)) : null,
    cover,
    coverSha256: bytes === null ? null : createHash('sha256').update(bytes).digest('hex'),
  };
}

async function chaptersOf(
  { input: { step }, store }: Attempt,
  options: Omit<z.output<typeof stepOptions.export>, 'title'> & { title: string },
): Promise<Chapter[]> {
  const { text, chapters, from_batch: fromBatch, title } = options;
  if (typeof text === 'string') return [{ title, markdown: text }];
  if (Array.isArray(chapters)) return chapters.map((chapter) => ({ title: chapter.title, markdown: chapter.text }));
  // A template may say what a model said: that must not reach into the files of this machine.
  const { chapters: template, from_batch: template2 } = step.with ?? {};
  if (/\bsteps\b/.test(JSON.stringify([template, template2]))) {
    const rule = 'the path must not come from what an earlier step made';
    throw new SluiceError('INVALID_INPUT', `steps.${step.id}.with.chapters: ${rule}`);
  }
  const batchUri = store.uri;
  return readChapters(chapters ?? fromBatch ?? '', { batchUri, partial: options.partial === true });
}

async function documentOf({ store }: Attempt, request: ExportRequest): Promise<Uint8Array | string> {
  const { format, chapters, cover, title } = request;
  if (format === 'json') return `${JSON.stringify(request.value, null, 2)}\n`;
  if (format === 'epub') {
    const data = cover === null ? null : await store.get(cover);
    const mimeType = coverTypes[extname(cover ?? '').toLowerCase()] ?? 'unknown';
    return writeEpub({ ...request, cover: data === null ? null : { mimeType, data } });
  }
  const [only, ...others] = chapters;
  if (only !== undefined && others.length === 0) return ended(only.markdown);
  if (format === 'text') return chapters.map(({ markdown }) => ended(markdown)).join('\n\n');
  return [`# ${title}\n`, ...chapters.map((chapter) => ended(withHeading(chapter)))].join('\n');
}

function withHeading({ title, markdown }: Chapter): string {
  return /^\s*#\s/.test(markdown) ? markdown.trimStart() : `# ${title}\n\n${markdown}`;
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Throws INVALID_INPUT for a name that another item's document has: it would be lost. */
async function assertFree({ store, item, input }: Attempt, ownName: string, path: string): Promise<void> {
  if ((await store.stat(path)) === null) return;
  const sidecar = parseSidecar((await store.get(sidecarKey(ownName)))?.toString('utf8') ?? '');
  if (sidecar?.item_id === item.id && sidecar.file.path === path) return;
  const place = `steps.${input.step.id}.with.name`;
  throw new SluiceError('INVALID_INPUT', `${place}: ${path} is there already, and is not this item's`);
}
