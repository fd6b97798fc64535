import type { Revision } from "../batch-queue.ts";
import type { SourceLog } from "../log.ts";
import type { EtcdClient, WatchMessage } from "./client.ts";
import { Doubt } from "./doubt.ts";
import { EtcdError } from "./errors.ts";
import type { EtcdLimits } from "./limits.ts";
import { listAll, type PageSize } from "./list.ts";
import type { Listing, Replacement, Replica } from "./replica.ts";
import { RevisionCutter } from "./revisions.ts";
import { watchUntilDoubt } from "./watch.ts";

/** What a session tells of its course. */
export interface SessionEvents {
  loggedIn(): void;
  /** Any sign of life. */
  heard(): void;
  listed(replacement: Replacement): void;
  /** The store lost its history and is empty: what was held goes on being served. */
  held(loss: string): void;
  watching(): void;
  changed(revision: Revision): void;
}

export interface SessionOptions {
  readonly client: EtcdClient;
  readonly replica: Replica;
  /** Byte strings. */
  readonly range: { readonly key: string; readonly end: string };
  readonly user: { readonly name: string; readonly password: string } | undefined;
  readonly page: PageSize;
  readonly limits: EtcdLimits;
  readonly random: () => number;
  readonly log: SourceLog;
  readonly signal: AbortSignal;
  readonly events: SessionEvents;
  /** Why the store was found empty by an earlier session whose list was not taken. */
  readonly lossBefore: string | undefined;
}

/**
 * One life of a connection: log in, list everything, watch from there until something is doubtful.
 *
 * @throws Doubt or EtcdError always: a session ends only by trouble, by its plan, or by what the signal says.
 */
export async function runSession(options: SessionOptions): Promise<never> {
  const { client, replica, range, page, limits, signal, events } = options;
  if (options.user) await login(options, options.user);
  const listing = await orAbort(listAll(client, range, page, limits), signal);
  events.heard();
  const loss = replica.historyLoss(listing.header) ?? options.lossBefore;
  if (loss !== undefined && listing.items.size === 0 && replica.size > 0) {
    events.held(loss);
    return await awaitRefill(options, listing);
  }
  events.listed(replica.replace(listing, loss));

  const cutter = new RevisionCutter();
  const isBehind = ({ created, events, header }: WatchMessage) =>
    !created && events.length === 0 && header.revision < replica.revision;
  let wasBehind = false;
  return await watchUntilDoubt({
    ...options,
    ...range,
    limits,
    from: replica.revision + 1,
    listener: {
      created: events.watching,
      heard: events.heard,
      message(message: WatchMessage) {
        // Events and answers to a request for progress leave etcd 3.4 by two queues: an answer may be older than an event that
        // overtook it. Requests are far apart, so that of two answers in a row the second was asked for after that event.
        const overtaken = !wasBehind && isBehind(message);
        wasBehind = overtaken;
        const lost = overtaken ? replica.identityLoss(message.header) : replica.historyLoss(message.header);
        if (lost !== undefined) throw new Doubt("history", lost);
        replica.heard(message.header);
        for (const revision of cutter.push(message.events, message.fragment)) {
          const change = replica.apply(revision);
          if (change) events.changed(change);
        }
      },
    },
  });
}

/** Watches an empty store, and ends with a doubt that plans the next list as soon as something is put. */
function awaitRefill(options: SessionOptions, { header }: Listing): Promise<never> {
  return watchUntilDoubt({
    ...options,
    ...options.range,
    from: header.revision + 1,
    listener: {
      created() {},
      heard: options.events.heard,
      message({ header: now, events }) {
        if (now.clusterId !== header.clusterId || now.revision < header.revision) {
          throw new Doubt("history", "etcd lost its history once more");
        }
        if (events.length > 0) throw new Doubt("refilled", "the empty store is being filled again", { planned: true });
      },
    },
  });
}

async function login(
  { client, signal, events, log }: SessionOptions,
  { name, password }: { readonly name: string; readonly password: string },
): Promise<void> {
  try {
    await orAbort(client.authenticate(name, password), signal);
    events.loggedIn();
  } catch (error) {
    // As other clients of etcd do: users may be given before authentication is switched on.
    if (!(error instanceof EtcdError) || error.code !== "auth_disabled") throw error;
    log("debug", error.message);
  }
}

/** Rejects with what `signal` says, at once when it aborts. */
async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        stop = () => reject(signal.reason);
        if (signal.aborted) stop();
        signal.addEventListener("abort", stop, { once: true });
      }),
    ]);
  } finally {
    if (stop) signal.removeEventListener("abort", stop);
  }
}
