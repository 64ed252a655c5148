import { setTimeout as delay } from 'node:timers/promises';
import type { Overview } from '../client/overview.ts';
import type { Sluice } from '../client/sluice.ts';
import { print, printJson } from './output.ts';
import { renderOverview } from './render/overview.ts';

/** How often a terminal is brought up to date, milliseconds; a pipe gets what changed, ten times as rarely. */
const everyMs = 1_000;

/** Shows all batches until none runs, or the person leaves with Ctrl-C; then prints how they stand. */
export async function followOverview(sluice: Sluice, options: { all: boolean; json: boolean }): Promise<void> {
  const leave = new AbortController();
  // Stays until the process ends: a second Ctrl-C must not kill us while we say goodbye.
  process.on('SIGINT', () => {
    leave.abort();
  });
  const live =
    process.stderr.isTTY && !options.json ? (await import('log-update')).createLogUpdate(process.stderr) : null;
  let shown = '';
  let overview: Overview;
  try {
    for (;;) {
      overview = await sluice.overview({ all: options.all });
      if (leave.signal.aborted || !overview.batches.some(({ status }) => status === 'running')) break;
      const text = renderOverview(overview);
      if (live !== null) live(text);
      else if (text !== shown && !options.json) process.stderr.write(`${text}\n\n`);
      shown = text;
      await delay(live === null ? 10 * everyMs : everyMs, undefined, { signal: leave.signal }).catch(() => undefined);
    }
  } finally {
    live?.clear();
    live?.done();
  }
  if (options.json) printJson(overview);
  else print(renderOverview(overview));
}
