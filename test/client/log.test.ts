import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { openLog } from '../../client/log.ts';

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
