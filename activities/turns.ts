/** Lets work on the same thing happen one after the other, in this process. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Does `work` when all work on `key` that came before has ended, however it ended. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const own = before.then(work);
    const settled = own.then(
      () => undefined,
      () => undefined,
    );
    this.last.set(key, settled);
    try {
      return await own;
    } finally {
      if (this.last.get(key) === settled) this.last.delete(key);
    }
  }
}
