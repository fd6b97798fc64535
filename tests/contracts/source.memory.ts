import { memorySource } from "../../src/sources/memory.ts";
import type { ConfigSource } from "../../src/store/source.ts";
import { sourceContract } from "./source.ts";

/** The contract over memory, and over what wraps it. */
export function memoryContract(name: string, wrap: (source: ConfigSource) => ConfigSource = (source) => source): void {
  sourceContract(name, () => {
    let content: Record<string, string> = {};
    let sources: ReturnType<typeof memorySource>[] = [];
    return Promise.resolve({
      open() {
        const source = memorySource(content);
        sources.push(source);
        return wrap(source);
      },
      write(changes) {
        for (const [key, value] of Object.entries(changes)) {
          if (value === undefined) delete content[key];
          else content[key] = value;
        }
        for (const source of sources) source.transaction(changes);
        return Promise.resolve();
      },
      clear() {
        content = {};
        sources = [];
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  });
}
