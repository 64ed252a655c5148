import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type { Comparison } from '../../../client/compare/comparison.ts';
import { writeComparison } from '../../../client/compare/write-comparison.ts';
import { makeDirectory, plain, write } from './pictures.ts';

const hostile = `<script>alert("1")</script> ' & &amp; <img src=x onerror=alert(1)>`;
const escaped =
  '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &#39; &amp; &amp;amp; &lt;img src=x onerror=alert(1)&gt;';

async function pageOf(comparison: Partial<Comparison>, directory: string): Promise<string> {
  const all = {
    title: 'T',
    rows: [{ label: 'R' }],
    columns: [{ label: 'C' }],
    cell: () => ({ file: null }),
    ...comparison,
  };
  return readFile((await writeComparison(all, directory)).page, 'utf8');
}

it('escapes titles, labels, notes and alternative texts', async () => {
  const directory = await makeDirectory();
  const file = await write(join(directory, 'a.png'), plain(8, 8, [1, 2, 3]));
  const rows = [{ label: hostile }, { label: 'second' }];
  const columns = [{ label: `column ${hostile}` }];
  const page = await pageOf(
    {
      title: `title ${hostile}`,
      rows,
      columns,
      cell: (row) => (row === rows[0] ? { file } : { file: null, note: hostile }),
    },
    directory,
  );
  expect(page).toContain(`<title>title ${escaped}</title>`);
  expect(page).toContain(`<h1 dir="auto">title ${escaped}</h1>`);
  expect(page).toContain(`<h2 dir="auto">${escaped}</h2>`);
  expect(page).toContain(`alt="${escaped}, column ${escaped}"`);
  expect(page).toContain(`<p class="missing">${escaped}</p>`);
  expect(page).not.toMatch(/<script|<img src=x|alert\("/i);
});

it('links pictures by relative addresses that lead to the files, whatever their names', async () => {
  const directory = await makeDirectory();
  const names = ['it\'s #1 100% "<b>".png', 'javascript:alert(1).png', 'dé j\u00e0?.png', '../beside.png', '🐉.png'];
  const files = await Promise.all(
    names.map((name) => write(join(directory, 'out', 'images', name), plain(8, 8, [1, 2, 3]))),
  );
  const rows = files.map((file) => ({ label: 'row', file }));
  const page = await pageOf(
    { rows, cell: (row) => ({ file: rows.find((one) => one === row)!.file }) },
    join(directory, 'out'),
  );
  const unescape = (text: string) => text.replaceAll('&#39;', "'").replaceAll('&amp;', '&');
  const addresses = [...page.matchAll(/<a href="([^"]*)"><img src="\1"/g)].map(([, address]) => unescape(address!));
  expect(addresses).toHaveLength(files.length);
  const base = pathToFileURL(join(directory, 'out', 'comparison.html'));
  expect(addresses.map((address) => fileURLToPath(new URL(address, base)))).toEqual(files);
  for (const address of addresses) expect(address).not.toMatch(/^[/\\]|^[a-z]+:/i);
});

it('forbids scripts and everything else but pictures and its own style sheet', async () => {
  const page = await pageOf({}, await makeDirectory());
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll('&#39;', "'");
  const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? '';
  expect(policy?.split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'none'",
    "img-src 'self' file:",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style'));
  expect(page).not.toMatch(/https?:|style=| on\w+=/);
});

it('shows pictures only a browser decodes, and a reason where no picture can be shown', async () => {
  const directory = await makeDirectory();
  const good = plain(40, 30, [1, 2, 3]);
  const rows = [
    { label: 'jpeg', file: await write(join(directory, 'a.jpg'), Buffer.from('ffd8ffe000104a464946', 'hex')) },
    { label: 'whole', file: await write(join(directory, 'whole.png'), good) },
    { label: 'damaged', file: await write(join(directory, 'cut.png'), good.subarray(0, 60)) },
    { label: 'gone', file: join(directory, 'gone.png') },
  ];
  const page = await pageOf({ rows, cell: (row) => ({ file: rows.find((one) => one === row)!.file }) }, directory);
  expect(page).toContain('<img src="a.jpg" alt="jpeg, C" loading="lazy">');
  expect(page).toContain('<img src="whole.png" alt="whole, C" width="40" height="30" class="small" loading="lazy">');
  expect(page).toContain('<p class="missing">damaged PNG</p>');
  expect(page).toContain('<p class="missing">the file is gone</p>');
  expect(page.match(/<img/g)).toHaveLength(2);
});
