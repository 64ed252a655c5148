import type { Question } from '../domain/question.ts';

/** Markdown for Temporal's Web UI: what the item asks, and how to answer. */
export function renderQuestion(batchId: string, itemId: string, question: Question): string {
  const { title, path, choices, timeoutMs, onTimeout, id } = question;
  const item = /^[\w.-]+$/.test(itemId) ? itemId : `'${itemId}'`;
  const ways: Record<Question['choices'][number], string> = {
    approve: `sluice answer ${batchId} ${item} --approve`,
    reject: `sluice answer ${batchId} ${item} --reject --note "…"`,
    edit: `sluice answer ${batchId} ${item} --edit FILE`,
  };
  const limit =
    timeoutMs === null
      ? 'It waits as long as it takes.'
      : `Without an answer within ${hours(timeoutMs)} it counts as: ${onTimeout}.`;
  return [
    `**Waits for an answer: ${title.replace(/[\\`*_[\]<>]/g, '\\$&')}**`,
    '',
    ...(path === null ? [] : [`To look at: \`${path}\` in the batch directory.`, '']),
    limit,
    '',
    '```sh',
    ...choices.map((choice) => ways[choice]),
    '```',
    '',
    `Or send the update \`answer\` here: \`{"decision":"approve","question":"${id}"}\`.`,
  ].join('\n');
}

function hours(ms: number): string {
  return ms < 3_600_000 ? `${String(Math.round(ms / 1_000))} s` : `${String(Math.round(ms / 360_000) / 10)} h`;
}
