import { lookup } from "node:dns/promises";
import type { Resolution, Resolve } from "../upstream/resolver.ts";

/** How names are looked up. */
export interface ResolveOptions {
  /** Milliseconds for which an answer is used. Default: 10,000. */
  readonly ttl?: number;
  /** Looks up all addresses of a name. Default: the system's own way (`getaddrinfo`). */
  readonly lookup?: (name: string) => Promise<readonly { readonly address: string }[]>;
  /** Milliseconds, never going back. Default: `performance.now`. */
  readonly now?: () => number;
}

interface Answer {
  readonly until: number;
  readonly addresses: Promise<readonly string[]>;
}

/**
 * Looks names up as the transports do when they connect: by the system's resolver, which knows `/etc/hosts`, search domains and whatever
 * else the host is set up with. It tells no time to live, so that all answers are used for the same while. Upstreams that ask for the same name
 * share one look-up.
 */
export function createResolve(options: ResolveOptions = {}): Resolve {
  const { ttl = 10_000, now = () => performance.now() } = options;
  const ask = options.lookup ?? ((name: string) => lookup(name, { all: true }));
  /** In the order of their end. */
  const answers = new Map<string, Answer>();

  const find = (name: string): Answer => {
    const time = now(), known = answers.get(name);
    if (known !== undefined && known.until > time) return known;
    answers.delete(name);
    for (const [other, answer] of answers) {
      if (answer.until > time) break;
      answers.delete(other);
    }
    const answer = { until: time + ttl, addresses: ask(name).then((found) => found.map(({ address }) => address)) };
    answers.set(name, answer);
    // A failure is not kept: whoever asks next asks anew.
    answer.addresses.catch(() => {
      if (answers.get(name) === answer) answers.delete(name);
    });
    return answer;
  };

  return async (name): Promise<Resolution> => {
    const { until, addresses } = find(name);
    return { addresses: await addresses, ttl: Math.max(0, until - now()) };
  };
}
