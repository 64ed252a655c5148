/**
 * Program: writes to a store on a small disk and tells what happened as JSON. Run by a test on a tmpfs
 * of its own, first until it is full, then mounted read-only.
 */
import { readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { SluiceError } from '../../domain/errors.ts';
import { createFileStore } from '../../storage/file-store.ts';

const [directory = ''] = process.argv.slice(2);
const store = createFileStore(directory);
const codeOf = async (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof SluiceError ? error.code : String(error)),
  );

await store.put('kept', 'small');
const full = await codeOf(store.put('kept', Buffer.alloc(1_000_000)));
const fullStream = await codeOf(
  store.putStream(
    'images/new',
    (async function* () {
      yield Buffer.alloc(1_000_000);
    })(),
  ),
);
const kept = (await store.get('kept'))?.toString();
const left = [...readdirSync(directory), ...readdirSync(`${directory}/images`)];
execFileSync('mount', ['-o', 'remount,ro', directory]);
const readOnly = await codeOf(store.put('kept', 'other'));
process.stdout.write(JSON.stringify({ full, fullStream, kept, left, readOnly }));
