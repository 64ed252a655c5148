/**
 * One server-sent event.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventText({ event, id, data }: { event: string; id?: number; data: unknown }): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${String(id)}\n`}data: ${JSON.stringify(data)}\n\n`;
}
