import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program that answers each line with one of JSON. */
export interface Answering {
  read<T>(): Promise<T>;
  ask<T>(line: string): Promise<T>;
  stop(): Promise<void>;
}

export function startAnswering(command: string, args: readonly string[]): Answering {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ended: ${args.join(" ").slice(0, 200)}`);
    return JSON.parse(value) as T;
  };
  return {
    read,
    ask: <T>(line: string): Promise<T> => {
      child.stdin.write(`${line}\n`);
      return read<T>();
    },
    stop: (): Promise<void> => {
      child.kill("SIGKILL");
      return gone;
    },
  };
}
