import type { Client } from '@temporalio/client';

/** What the histories of some executions hold. */
export interface HistoryFigures {
  runs: number;
  /** Of the longest run. */
  mostEvents: number;
  events: number;
}

/** Sums over all executions a visibility query finds, e.g. all runs of one batch. */
export async function historyFigures(client: Client, query: string): Promise<HistoryFigures> {
  const figures = { runs: 0, mostEvents: 0, events: 0 };
  for await (const { historyLength } of client.workflow.list({ query })) {
    figures.runs += 1;
    figures.events += historyLength;
    figures.mostEvents = Math.max(figures.mostEvents, historyLength);
  }
  return figures;
}
