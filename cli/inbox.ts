import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { InboxEntry } from '../client/inbox.ts';
import { SluiceError } from '../domain/errors.ts';
import { formatDuration } from '../domain/format.ts';
import type { Answer } from '../domain/question.ts';
import { withSluice } from './connect.ts';
import { notice, print, printJson } from './output.ts';

interface AnswerFlags {
  approve?: boolean;
  reject?: boolean;
  edit?: string;
  note?: string;
  question?: string;
  json?: boolean;
}

/** Registers `sluice inbox` and `sluice answer`. */
export function addInbox(program: Command): void {
  program
    .command('inbox')
    .description('show what items wait for people to answer, the oldest first')
    .option('--batch <id>', 'only of this batch')
    .option('--json', 'print one JSON object a question')
    .addHelpText('after', '\nExample:\n  sluice inbox --batch batch_20260101_120000_ab12')
    .action((flags: { batch?: string; json?: boolean }) =>
      withSluice(async (sluice) => {
        const entries = await sluice.inbox({ batchId: flags.batch });
        if (flags.json === true) entries.forEach(printJson);
        else if (entries.length === 0) notice('Nobody is asked anything.');
        else print(entries.map(renderEntry).join('\n\n'));
      }),
    );

  program
    .command('answer')
    .description('answer what an item asks; it goes on at once')
    .argument('<batch>', 'id of the batch')
    .argument('<item>', 'id of the item')
    .option('--approve', 'it is good')
    .option('--reject', 'it is not; a flow may then make it again')
    .option('--edit <file>', 'take the text of this file in its place; - for standard input')
    .option('--note <text>', 'why, or what to change: reaches the rewrite')
    .option('--question <id>', 'refuse if another question is open by now')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      [
        '\nExamples:',
        '  sluice answer batch_20260101_120000_ab12 ch-07 --approve',
        '  sluice answer batch_20260101_120000_ab12 ch-07 --reject --note "The storm comes too early."',
        '  sluice answer batch_20260101_120000_ab12 ch-07 --edit ch-07.md',
      ].join('\n'),
    )
    .action(async (batchId: string, itemId: string, flags: AnswerFlags) => {
      const answer = await toAnswer(flags);
      await withSluice(async (sluice) => {
        const question = await sluice.answer({ batchId, itemId }, answer);
        if (flags.json === true) {
          printJson({ batch_id: batchId, item_id: itemId, question: question.id, decision: answer.decision });
        } else print(`Answered (${answer.decision}): ${question.title}`);
      });
    });
}

async function toAnswer(flags: AnswerFlags): Promise<Answer> {
  const decisions = [flags.approve === true, flags.reject === true, flags.edit !== undefined].filter(Boolean).length;
  if (decisions !== 1) {
    const problem = decisions === 0 ? 'It is not said what the answer is.' : 'Only one of them can be the answer.';
    throw new SluiceError('USAGE', problem, { action: 'Give --approve, or --reject, or --edit FILE.' });
  }
  return {
    decision: flags.approve === true ? 'approve' : flags.reject === true ? 'reject' : 'edit',
    ...(flags.note === undefined ? {} : { note: flags.note }),
    ...(flags.question === undefined ? {} : { question: flags.question }),
    ...(flags.edit === undefined ? {} : { text: await readText(flags.edit) }),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await (path === '-' ? readAll(process.stdin) : readFile(path, 'utf8'));
  } catch (cause) {
    throw new SluiceError('INPUT_NOT_FOUND', `${path} cannot be read.`, {
      action: 'Check the path of the file.',
      cause,
    });
  }
}

function renderEntry(entry: InboxEntry): string {
  const { batch_id: batch, item_id: item, question, title, path, age_seconds: age, expires_at: expires } = entry;
  return [
    `${title}  (${question}, asked ${formatDuration(age)} ago)`,
    ...(path === null ? [] : [`  look at  ${path}`]),
    ...(expires === null ? [] : [`  until    ${expires}, then: ${entry.on_timeout ?? ''}`]),
    `  answer   sluice answer ${batch} ${/^[\w.-]+$/.test(item) ? item : `'${item}'`} --${entry.choices.join(' | --')}`,
  ].join('\n');
}
