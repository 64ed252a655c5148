import { request } from './request.ts';

/** Lines of an answer as they arrive; empty ones are left out. @throws ApiError */
export async function* readLines(path: string, signal: AbortSignal): AsyncGenerator<string> {
  const { body } = await request(path, { headers: { accept: 'application/jsonl' }, signal });
  if (body === null) return;
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
    rest = done ? '' : (lines.pop() ?? '');
    for (const line of lines) if (line !== '') yield line;
    if (done) return;
  }
}
