/** Program: puts whole objects of one repeated letter over and over, until it is killed. */
import { createFileStore } from '../../storage/file-store.ts';

const [directory = ''] = process.argv.slice(2);
const store = createFileStore(directory);
for (let round = 0; ; round++) {
  const letter = String.fromCharCode(97 + (round % 26));
  await Promise.all(['a', 'b', 'c/d'].map((key) => store.put(key, letter.repeat(500_000))));
  process.stdout.write('.');
}
