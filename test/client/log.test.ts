import { closeSync, openSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { openLog, writeTo } from '../../client/log.ts';

test('a log on a full disk loses its lines, and nothing else', () => {
  const full = openSync('/dev/full', 'w');
  const log = openLog({}, { to: writeTo(full) });
  expect(() => {
    for (let line = 0; line < 100; line += 1) log.error({ err: new Error('no room') }, 'x'.repeat(10_000));
  }).not.toThrow();
  closeSync(full);
});

test('what variables hold that are secret by their names stands in no line, wherever it came from', async () => {
  const to = new PassThrough();
  const env = {
    GEMINI_API_KEY: 'AIza-"quoted"-key',
    SHOP_TOKEN: 'tok-123456',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-team=red-team-secret,authorization=Bearer abcdef',
    SLUICE_GPUS: '[{"name":"a","url":"http://me:pass-word-1@127.0.0.1:8188","classes":[]}]',
    SHORT_KEY: 'abc',
    MAX_TOKENS: '100000',
    PLAIN: 'a plain value',
  };
  const log = openLog(env, { more: () => ({ trace_id: '1' }), to });
  log.warn({ err: new Error(`refused ${env.GEMINI_API_KEY}`), url: 'http://me:pass-word-1@127.0.0.1:8188/queue' }, 'x');
  log.info(
    { headers: ['red-team-secret', 'Bearer abcdef', env.SHOP_TOKEN], batch_id: 'abc', tokens: 100_000 },
    env.PLAIN,
  );
  to.end();
  const [first = '', second = ''] = (await text(to)).split('\n');
  expect(JSON.parse(first)).toMatchObject({
    trace_id: '1',
    err: { message: 'refused [secret]' },
    url: 'http://me:[secret]@127.0.0.1:8188/queue',
  });
  expect(JSON.parse(second)).toMatchObject({
    headers: ['[secret]', '[secret]', '[secret]'],
    batch_id: 'abc',
    tokens: 100_000,
    msg: 'a plain value',
  });
});
