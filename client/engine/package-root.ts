import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/** Directory of the running code: the checkout itself, or its `dist/`. */
const codeRoot = join(import.meta.dirname, '..', '..');

/** Directory that holds `temporal-dev.yaml`: the checkout or the installed package. */
export const packageRoot = existsSync(join(codeRoot, 'temporal-dev.yaml')) ? codeRoot : dirname(codeRoot);

/** Whether the running code is compiled. */
export const isBuilt = extname(import.meta.filename) === '.js';

/**
 * Path of a program of ours, in the form the running code has: compiled (`.js`) or source (`.ts`).
 * @param name without extension, relative to the code, e.g. `workers/main`
 */
export function programPath(name: string): string {
  return join(codeRoot, `${name}${extname(import.meta.filename)}`);
}

/** Names the build the code at `codeRoot` is now; `source` when it runs uncompiled. Written by the launcher. */
export function currentBuildId(): string {
  const file = join(codeRoot, 'build-id');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'source';
}
