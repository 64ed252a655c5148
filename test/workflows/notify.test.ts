import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventsWorkflowId } from '../../domain/ids.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { rows } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: openRig, space } = useNamespace();
const mails: { from: string; to: string[]; text: string; user: string | undefined }[] = [];
const smtp = new SMTPServer({
  disabledCommands: ['STARTTLS'],
  allowInsecureAuth: true,
  onAuth: ({ username, password }, _, callback) => {
    if (password === 'right') callback(null, { user: username });
    else callback(new Error('no'));
  },
  onData: (stream, { envelope, user }, callback) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = envelope;
      mails.push({
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        text: Buffer.concat(chunks).toString('utf8'),
        user: user as string | undefined,
      });
      callback();
    });
  },
});
let chat: Receiver;

beforeAll(async () => {
  smtp.listen(0, '127.0.0.1');
  await once(smtp.server, 'listening');
  chat = await startReceiver();
});
afterAll(async () => {
  await new Promise<void>((resolve) => {
    smtp.close(() => {
      resolve();
    });
  });
  await chat.close();
});

test('a chat and a mailbox are told in words what needs them, and of the end', async () => {
  const { port } = smtp.server.address() as AddressInfo;
  const server = { host: '127.0.0.1', port, user: 'sluice', password: '${file:' + join(space().directory, 'pw') + '}' };
  writeFileSync(join(space().directory, 'pw'), 'right\n');
  const common = { batches: 'named' };
  writeFileSync(
    join(space().directory, 'config.yaml'),
    JSON.stringify({
      notify: [
        { ...common, name: 'team', type: 'slack', url: chat.url },
        { ...common, name: 'boss', type: 'email', to: ['boss@example.org'], from: 'sluice@example.org', smtp: server },
      ],
    }),
  );
  const rig = await openRig({ faults: { rules: [{ prompt: 'bad', fault: 'safety' }] } });
  await rig.submit(rows(3, { 1: 'bad' }), {
    spec: { webhooks: ['team', 'boss'], limits: { concurrency: 1, toleratedFailure: { count: 0 } } },
  });
  await rig.untilPaused();
  await rig.batch.signal('resume');
  await rig.summary();
  const result: unknown = await space().client.workflow.getHandle(eventsWorkflowId(rig.batchId)).result();

  expect(result).toMatchObject({ failed: 0 });
  const said = chat.received.map(({ text }) => (JSON.parse(text) as { text: string }).text);
  expect(said.map((text) => text.split('\n')[0])).toEqual([
    `Batch ${rig.batchId} needs you`,
    `Batch ${rig.batchId} is paused`,
    `Batch ${rig.batchId}: failed`,
  ]);
  expect(said[1]).toContain('What to do: Look at the failed items, then resume or cancel.');
  expect(said[2]).toContain('succeeded 2, failed 1');
  expect(mails.map(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1]?.trim())).toEqual(
    said.map((text) => text.split('\n')[0]),
  );
  expect(mails[0]).toMatchObject({ from: 'sluice@example.org', to: ['boss@example.org'], user: 'sluice' });
});
