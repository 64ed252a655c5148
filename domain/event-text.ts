import type { CloudEventBody } from './events.ts';
import { formatCount, formatUsd } from './format.ts';

/** An event in words, for people: a subject of one line, and what there is to know. */
export interface EventText {
  subject: string;
  text: string;
}

export function eventText({ type, data }: CloudEventBody): EventText {
  const batch = textOf(data['batch_id']);
  const heading = headingOf(type, batch, data);
  const lines = [
    heading,
    ...line('', data['message']),
    ...line('', data['reason']),
    ...line('', data['error_message']),
    ...line('What to do: ', data['action']),
    ...countsLine(data['counts']),
    ...(typeof data['cost_usd'] === 'number' ? [`Cost: ${formatUsd(data['cost_usd'])}`] : []),
    ...line('Files: ', data['store']),
  ];
  return { subject: heading, text: lines.join('\n') };
}

function headingOf(type: string, batch: string, data: Record<string, unknown>): string {
  const item = textOf(data['request_id'] ?? data['item_id']);
  switch (type) {
    case 'batch.started':
      return `Batch ${batch} has started`;
    case 'batch.paused':
      return `Batch ${batch} is paused`;
    case 'batch.resumed':
      return `Batch ${batch} goes on`;
    case 'batch.notice':
      return `Batch ${batch}: notice`;
    case 'batch.escalated':
      return `Batch ${batch} needs you`;
    case 'batch.completed':
      return `Batch ${batch}: ${textOf(data['status'])}`;
    case 'item.succeeded':
      return `Batch ${batch}: ${item} is done`;
    case 'item.failed':
      return `Batch ${batch}: ${item} failed`;
    case 'item.waiting':
      return `Batch ${batch}: ${item} waits for an answer`;
    case 'schedule.failed':
      return `Schedule ${textOf(data['schedule_id'])}: a run could not start`;
    default:
      return 'A test of Sluice: events arrive here';
  }
}

function countsLine(counts: unknown): string[] {
  if (typeof counts !== 'object' || counts === null) return [];
  const told = Object.entries(counts).filter(([, count]) => typeof count === 'number' && count > 0);
  if (told.length === 0) return [];
  return [`Items: ${told.map(([name, count]) => `${name} ${formatCount(Number(count))}`).join(', ')}`];
}

function line(label: string, value: unknown): string[] {
  return typeof value === 'string' && value !== '' ? [`${label}${value}`] : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
