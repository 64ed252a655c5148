import { formatDuration } from '../../domain/format.ts';

/** `3 m 05 s ago`, with the exact time on hover. */
export function TimeAgo({ at, now }: { at: string; now: number }) {
  const seconds = (now - Date.parse(at)) / 1_000;
  return (
    <time dateTime={at} title={exactTime(at)}>
      {seconds < 5 ? 'just now' : `${formatDuration(seconds)} ago`}
    </time>
  );
}

/** A time of the API in the words and the zone of whoever looks. */
export function exactTime(at: string): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}
