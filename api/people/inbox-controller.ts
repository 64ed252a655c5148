import { relative } from 'node:path';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { displayPath } from '../../client/batch-report.ts';
import { decisions, maxNoteLength, maxTextLength } from '../../domain/question.ts';
import type { Caller } from '../../domain/role.ts';
import { BatchAccess } from '../batches/batch-access.ts';
import { jobParams } from '../batches/job-schemas.ts';
import { Standings } from '../batches/standings.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';

const tag = 'People';

const entry = z
  .strictObject({
    batch_id: z.string(),
    item_id: z.string(),
    question: z.string().describe('Id of the question: the step, and in loops the round'),
    title: z.string(),
    artifact: z.string().nullable().describe('Key of the file to look at, among the artifacts of the batch'),
    choices: z.array(z.enum(decisions)),
    since: z.string(),
    age_seconds: z.int(),
    expires_at: z.string().nullable().describe('When it is answered by itself; null: never'),
    on_timeout: z.enum(['approve', 'reject', 'fail']).nullable(),
  })
  .meta({ id: 'Question' });
type Entry = z.output<typeof entry>;

const inbox = describe({
  method: 'GET',
  path: 'inbox',
  role: 'read',
  tag,
  summary: 'What items wait for people to answer, the oldest first',
  query: z.object({
    batch: z.string().min(1).max(200).optional().describe('Only those of this batch'),
    limit: z.coerce.number().int().min(1).max(1_000).default(200),
  }),
  replies: {
    200: { description: 'The questions.', schema: z.strictObject({ data: z.array(entry) }).meta({ id: 'Inbox' }) },
  },
});
const answerBody = z
  .strictObject({
    decision: z.enum(decisions),
    note: z.string().max(maxNoteLength).optional().describe('Reaches later steps, such as a rewrite'),
    text: z
      .string()
      .min(1)
      .max(maxTextLength)
      .optional()
      .describe('Takes the place of the text in question; with edit'),
    question: z.string().optional().describe('Id of the question that is meant; by default the one that is open'),
  })
  .meta({ id: 'Answer' });
const answer = describe({
  method: 'POST',
  path: 'batches/:id/jobs/:record_id/answer',
  role: 'run',
  tag,
  summary: 'Answer what an item asks; it goes on at once',
  params: jobParams,
  body: answerBody,
  replies: {
    200: {
      description: 'The question that was answered.',
      schema: z
        .strictObject({ batch_id: z.string(), item_id: z.string(), question: z.string(), decision: z.enum(decisions) })
        .meta({ id: 'Answered' }),
    },
  },
});

/** Questions of items to people, and their answers. */
@Controller('api')
export class InboxController {
  readonly #batches: BatchAccess;
  readonly #standings: Standings;

  constructor(@Inject(BatchAccess) batches: BatchAccess, @Inject(Standings) standings: Standings) {
    this.#batches = batches;
    this.#standings = standings;
  }

  @Endpoint(inbox)
  async inbox(@Input() { query: { batch, limit }, caller }: Given<typeof inbox>): Promise<{ data: Entry[] }> {
    const sluice = await (batch === undefined ? this.#batches.sluice() : this.#batches.of(batch, caller));
    const asked = await sluice.inbox({ batchId: batch, limit: 1_000 });
    const directories = await this.#directories(new Set(asked.map(({ batch_id: id }) => id)), caller);
    const data = asked.flatMap(({ path, choices, ...question }) => {
      const directory = directories.get(question.batch_id);
      if (directory === undefined) return [];
      return { ...question, choices: [...choices], artifact: path === null ? null : relative(directory, path) };
    });
    return { data: data.slice(0, limit) };
  }

  @Endpoint(answer)
  async answer(@Input() { params, body, caller }: Given<typeof answer>) {
    const { id: batchId, record_id: itemId } = params;
    const sluice = await this.#batches.of(batchId, caller);
    const { decision, note, text, question } = body;
    const answered = await sluice.answer(
      { batchId, itemId },
      {
        decision,
        ...(note === undefined ? {} : { note }),
        ...(text === undefined ? {} : { text }),
        ...(question === undefined ? {} : { question }),
      },
    );
    this.#standings.forget(batchId);
    return { batch_id: batchId, item_id: itemId, question: answered.id, decision };
  }

  /** Where the batches are that a caller sees. */
  async #directories(batchIds: ReadonlySet<string>, caller: Caller): Promise<Map<string, string>> {
    const found = await Promise.all(
      [...batchIds].map(async (id) => {
        const batch = await this.#batches.find(id, caller).catch(() => null);
        return batch === null ? [] : [[id, displayPath(batch.storeUri)] as const];
      }),
    );
    return new Map(found.flat());
  }
}
