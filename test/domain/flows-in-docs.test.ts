import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../client/engine/package-root.ts';
import { loadModels } from '../../client/models.ts';
import { parseFlow } from '../../domain/parse-flow.ts';

const docs = join(packageRoot, 'docs');
const whole = readdirSync(docs)
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) =>
    [...readFileSync(join(docs, file), 'utf8').matchAll(/```yaml\n(name: [\s\S]*?)```/g)].map(
      ([, yaml = '']) => [file, yaml] as const,
    ),
  )
  .filter(([, yaml]) => /^steps:/m.test(yaml));

test.each(whole)('a whole flow that %s shows is one', async (_file, yaml) => {
  const parsed = parseFlow(parse(yaml), await loadModels(join(docs, 'no-home')));
  expect(parsed).toMatchObject({ ok: true });
});
