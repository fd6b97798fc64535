/** Lets one piece of work after another have a name, so that writers of one process do not run into each other's conflicts. */
export class Locks {
  readonly #ends = new Map<string, Promise<void>>();

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#ends.get(name);
    let release = (): void => undefined;
    const end = new Promise<void>((resolve) => release = resolve);
    this.#ends.set(name, end);
    try {
      await before;
      return await work();
    } finally {
      release();
      if (this.#ends.get(name) === end) this.#ends.delete(name);
    }
  }
}
