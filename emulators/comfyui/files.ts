import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, normalize } from 'node:path';

const fileTypes = ['output', 'input', 'temp'] as const;
export type FileType = (typeof fileTypes)[number];

export interface SavedFile {
  filename: string;
  subfolder: string;
  type: FileType;
}

/** ComfyUI's folders on disk. Output and input survive a restart, temp does not. */
export class FileFolders {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    for (const type of fileTypes) mkdirSync(join(root, type), { recursive: true });
  }

  /** Uploaded images, as LoadImage lists them. */
  inputs(): string[] {
    return readdirSync(join(this.#root, 'input'), { recursive: true, encoding: 'utf8' });
  }

  clearTemp(): void {
    rmSync(join(this.#root, 'temp'), { recursive: true, force: true });
    mkdirSync(join(this.#root, 'temp'));
  }

  /** Saves pictures under `<prefix>_00001_.png` and on, counting from what is there. */
  savePictures(type: FileType, prefix: string, pictures: readonly Buffer[]): SavedFile[] {
    const subfolder = dirname(normalize(prefix)) === '.' ? '' : dirname(normalize(prefix));
    const name = basename(prefix);
    const folder = join(this.#root, type, subfolder);
    if (!this.#isInside(type, folder)) throw new Error('Saving image outside the output folder is not allowed.');
    mkdirSync(folder, { recursive: true });
    const taken = readdirSync(folder).flatMap((file) =>
      file.startsWith(`${name}_`) ? [Number(/^(\d+)_/.exec(file.slice(name.length + 1))?.[1] ?? 0)] : [],
    );
    let counter = Math.max(0, ...taken);
    return pictures.map((bytes, n) => {
      counter += 1;
      const filename = `${name.replaceAll('%batch_num%', `${n}`)}_${`${counter}`.padStart(5, '0')}_.png`;
      writeFileSync(join(folder, filename), bytes);
      return { filename, subfolder, type };
    });
  }

  /** Saves an upload; a name taken by other bytes becomes `name (1).png`, unless it is overwritten. */
  upload(type: FileType, subfolder: string, filename: string, bytes: Buffer, overwrite: boolean): SavedFile | null {
    const folder = join(this.#root, type, subfolder);
    if (!this.#isInside(type, folder)) return null;
    mkdirSync(folder, { recursive: true });
    const extension = extname(filename);
    let name = filename;
    for (let n = 1; !overwrite && existsSync(join(folder, name)); n++) {
      if (sha256(readFileSync(join(folder, name))) === sha256(bytes)) return { filename: name, subfolder, type };
      name = `${basename(filename, extension)} (${n})${extension}`;
    }
    writeFileSync(join(folder, name), bytes);
    return { filename: name, subfolder, type };
  }

  /** The bytes of a file; `outside` where the path leads out of its folder. */
  read({ filename, subfolder, type }: SavedFile): Buffer | 'missing' | 'outside' {
    const folder = join(this.#root, type, subfolder);
    if (!this.#isInside(type, folder)) return 'outside';
    const path = join(folder, basename(filename));
    return existsSync(path) ? readFileSync(path) : 'missing';
  }

  #isInside(type: FileType, folder: string): boolean {
    const root = join(this.#root, type);
    return folder === root || `${folder}/`.startsWith(`${root}/`);
  }
}

export function isFileType(value: string): value is FileType {
  return fileTypes.some((type) => type === value);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
