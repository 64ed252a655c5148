import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { BatchSpecInput } from '../domain/batch-spec.ts';
import { defined } from '../domain/defined.ts';
import { SluiceError } from '../domain/errors.ts';
import { priorities } from '../domain/priority.ts';
import { describeIssue } from './yaml-file.ts';
import type { InputSource } from './input/source.ts';

/** A job is one JSON document, which has to be in memory as a whole; larger ones are JSONL. */
const maxBytes = 256 * 1024 * 1024;

const flowOfType: Readonly<Record<string, string>> = {
  character_generation: 'character',
  plot_outlining: 'outline',
  chapter_writing: 'chapter',
  qc_processing: 'qc',
  export: 'export',
};

const jobSchema = z.object({
  job_id: z.string().min(1).max(100),
  job_type: z.string().min(1),
  priority: z.enum(priorities).default('normal'),
  deadline: z.string().optional(),
  items: z.array(z.record(z.string(), z.json())).min(1),
  config: z
    .object({
      max_parallel: z.int().min(1).optional(),
      retry_on_failure: z.boolean().default(true),
      max_retries: z.int().min(0).max(19).optional(),
      model_rotation: z.union([z.boolean(), z.string()]).default(false),
    })
    .prefault({}),
});

/** A job as the batch it asks for. */
export interface Job {
  jobId: string;
  input: InputSource;
  spec: BatchSpecInput;
}

/**
 * Reads a job: `job_id`, `job_type` (or the name of a flow), `priority`, `items` and `config`. What it does not
 * know it leaves alone. Null: the file is no job but rows.
 *
 * @throws SluiceError INPUT_NOT_FOUND, INPUT_UNREADABLE naming field and rule
 */
export async function readJob(path: string): Promise<Job | null> {
  if (!/\.json$/i.test(path)) return null;
  const unreadable = (rule: string, cause?: unknown): SluiceError =>
    new SluiceError('INPUT_UNREADABLE', `${path}: ${rule}`, {
      action: 'See docs/input.md for the fields of a job.',
      cause,
    });
  const found = await stat(path).catch(() => null);
  if (found === null) throw new SluiceError('INPUT_NOT_FOUND', `${path} does not exist`);
  if (found.size > maxBytes) throw unreadable('is larger than 256 MiB: write its items as JSONL');
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error), error);
  }
  if (typeof value !== 'object' || value === null || !('job_type' in value)) return null;
  const parsed = jobSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues
      .map(describeIssue)
      .map((one) => `${one.path.map(String).join('.')}: ${one.rule}`);
    throw unreadable(problems.join('; '));
  }
  return toJob(parsed.data, path);
}

function toJob(
  { job_id: jobId, job_type: type, priority, deadline, items, config }: z.output<typeof jobSchema>,
  path: string,
): Job {
  const projects = [...new Set(items.map((item) => item['project_id']))];
  const [project] = projects;
  const { max_parallel: parallel, retry_on_failure: again, max_retries: retries, model_rotation: rotation } = config;
  return {
    jobId,
    input: { rows: items, name: path },
    spec: {
      flow: Object.hasOwn(flowOfType, type) ? (flowOfType[type] ?? type) : type,
      priority,
      ...defined({ deadline }),
      ...(projects.length === 1 && typeof project === 'string' && project !== '' ? { project } : {}),
      rotateModels: rotation !== false && rotation !== 'none' && rotation !== 'by_genre',
      ...(parallel === undefined ? {} : { limits: { concurrency: Math.min(parallel, 50) } }),
      ...(again
        ? retries === undefined
          ? {}
          : { retry: { maxAttempts: retries + 1 } }
        : { retry: { maxAttempts: 1 } }),
    },
  };
}
