import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./children.ts";

/** An address that something of the demo listens on. */
export interface Use {
  readonly what: string;
  /** `host:port` */
  readonly address: string;
  /** What chooses another. */
  readonly flag: string;
}

/** How long something may take to come up, in milliseconds. */
const START_LIMIT = 30_000;

function tryToListen(address: string): Promise<NodeJS.ErrnoException | undefined> {
  const colon = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), Number(address.slice(colon + 1))];
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/** Looks before anything is started whether every address is free. @returns what to do about those that are not */
export async function refuseTaken(uses: readonly Use[], command: string): Promise<string | undefined> {
  const lines: string[] = [];
  for (const { what, address, flag } of uses) {
    const error = await tryToListen(address).catch((reason: unknown) => reason as NodeJS.ErrnoException);
    if (error === undefined) continue;
    const reason = error.code === "EADDRINUSE" ? "something else listens there" : error.message;
    lines.push(
      `Cannot start ${what} on ${address}: ${reason}. Stop that, or choose another address: ${command} -- ${flag}`,
    );
  }
  return lines.length === 0 ? undefined : lines.join("\n");
}

/** Waits until a URL answers 200. @throws Error where the process behind it ends first, or does not answer in time */
export async function waitFor(url: string, child: Child): Promise<void> {
  const until = performance.now() + START_LIMIT;
  while (performance.now() < until) {
    if (child.ended) throw new Error(`${child.name} has ended before it was ready.\n${child.said()}`.trimEnd());
    const ok = await fetch(url, { signal: AbortSignal.timeout(1000) }).then((response) => response.ok, () => false);
    if (ok) return;
    await sleep(50);
  }
  throw new Error(
    `${child.name} was not ready within ${START_LIMIT / 1000} s: ${url} does not answer 200.\n${child.said()}`
      .trimEnd(),
  );
}
