import { createHashMap, shortHash } from './hash-map.ts';

/** Room is left in the 255 bytes file systems allow for a suffix, an extension and a temporary prefix. */
const maxNameBytes = 180;

/** Slashes and what looks like one: U+2044, U+2215, U+2216, U+29F5, U+29F8, U+29F9, U+2571, U+2572, U+27CB, U+27CD. */
const separators = /[/\\\u2044\u2215\u2216\u29f5\u29f8\u29f9\u2571\u2572\u27cb\u27cd]/u;
/** Control, format (bidi, zero width), private, unassigned and lone surrogate code points, and what renders as nothing. */
const invisible = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu;
const reserved = /[<>:"|?*]+/gu;
/** The extension comes from the bytes that come back, never from the wanted name. */
const tail = /(?:\.(?:png|jpe?g|webp)|[.\s-])+$/iu;
const edges = /^[.\s-]+|[.\s-]+$/gu;
const blanks = /\s+/gu;
/** @see https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions */
const deviceName = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)\s*(?:\.|$)/iu;

const encoder = new TextEncoder();
/** A UTF-16 unit takes at most three bytes in UTF-8, so a short text need not be encoded to know that it fits. */
const fits = (text: string): boolean => text.length * 3 <= maxNameBytes || encoder.encode(text).length <= maxNameBytes;

function cutToBytes(text: string, bytes: number): string {
  let cut = '';
  let used = 0;
  for (const point of text) {
    used += encoder.encode(point).length;
    if (used > bytes) break;
    cut += point;
  }
  return cut;
}

/**
 * Turns a wanted name into one that is safe as a file name on Linux, macOS and Windows and never
 * leaves its directory: `../../etc/passwd` becomes `etc-passwd`, `NUL.txt` becomes `_NUL.txt`,
 * `cat.png` becomes `cat`. At most 180 bytes of UTF-8; a longer name is cut and told apart by a hash.
 * The result is NFKC, so that look-alikes (`／`, `‥`) cannot turn into something else on disk later.
 *
 * @returns undefined when nothing usable is left: the caller falls back to the item's id.
 */
export function safeOutputName(wanted: string): string | undefined {
  const visible = wanted.replace(blanks, ' ').replace(invisible, '').normalize('NFKC').replace(invisible, '');
  const flat = visible
    .replace(tail, '')
    .split(separators)
    .map((segment) => segment.replace(blanks, ' ').replace(reserved, '-').replace(edges, ''))
    .filter((segment) => segment !== '')
    .join('-');
  let name = flat.replace(tail, '');
  if (deviceName.test(name)) name = `_${name}`;
  if (!fits(name)) {
    const hash = shortHash(name);
    name = `${cutToBytes(name, maxNameBytes - hash.length - 1).replace(tail, '')}-${hash}`;
  }
  return name === '' ? undefined : name;
}

export interface NameAllocator {
  /** Returns the name itself the first time, then `name-2`, `name-3`, skipping what is taken. */
  allocate(safeName: string): string;
}

/** Names that a file system may take for one: case, and composed or decomposed accents, do not count. */
const fold = (name: string): string => name.toUpperCase().normalize('NFKC');

/**
 * Gives every item of a batch a name of its own, deterministically: the same names in the same order
 * give the same result. Distinct also where case does not count (macOS, Windows). Keeps hashes, not
 * names: about 24 MB for a million; two names whose hashes meet cost a needless suffix, nothing more.
 */
export function createNameAllocator(): NameAllocator {
  /** Last suffix given to a name; 1 is the name itself. */
  const taken = createHashMap();
  return {
    allocate(safeName) {
      const key = fold(safeName);
      const last = taken.get(key);
      if (last === undefined) {
        taken.set(key, 1);
        return safeName;
      }
      let suffix = last + 1;
      while (taken.get(fold(`${safeName}-${suffix}`)) !== undefined) suffix++;
      taken.set(key, suffix);
      taken.set(fold(`${safeName}-${suffix}`), 1);
      return `${safeName}-${suffix}`;
    },
  };
}
