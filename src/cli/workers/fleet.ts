import { getLogger } from "@logtape/logtape";
import type { OwnCommand } from "./own-command.ts";
import { Worker, type WorkerExit } from "./worker.ts";

const log = getLogger(["gatewatch", "workers"]);

/** Milliseconds until one that has crashed is started again, doubled with each crash in a row. */
const BACKOFF = 100, MAX_BACKOFF = 10_000;
/** Milliseconds after which a crash is the first in a row again. */
const STEADY = 30_000;
/** Milliseconds that a process has to bind its addresses, and to be ready where it is to take another one's place. */
const START = 30_000, REPLACE = 60_000;
/** Milliseconds beyond the time for requests in flight until what has not ended is killed. */
const FAREWELL = 5_000;

/** One place of the fleet, and who has it at the moment. */
export interface Slot {
  readonly number: number;
  worker: Worker | undefined;
  /** How often another process had to take the place of one that crashed. */
  restarts: number;
  lastExit: WorkerExit | undefined;
}

/** One that could not even start ends the command, as it would have ended alone. */
export class WorkerFailed extends Error {
  override readonly name: string = "WorkerFailed";
  readonly status: number;

  constructor(exit: WorkerExit | undefined) {
    super(exit === undefined ? `A worker did not listen within ${START} ms` : `A worker ended with ${exitText(exit)}`);
    this.status = exit?.status ?? 1;
  }
}

/** Processes that serve the same ports. One that ends is replaced. */
export class Fleet {
  readonly slots: readonly Slot[];
  readonly #command: OwnCommand;
  readonly #ended: (worker: Worker) => void;
  /** Those that finish their requests after another one took their place. */
  readonly #leaving: Set<Worker> = new Set();
  #stopping = false;
  #rolling: Promise<void> | undefined;

  /** @param ended Told of each process that is no more. */
  constructor(count: number, command: OwnCommand, ended: (worker: Worker) => void) {
    this.#command = command;
    this.#ended = ended;
    this.slots = Array.from({ length: count }, (_, i) => ({
      number: i + 1,
      worker: undefined,
      restarts: 0,
      lastExit: undefined,
    }));
  }

  /** Those that run. */
  get workers(): Worker[] {
    return this.slots.flatMap(({ worker }) => worker === undefined || worker.exit !== undefined ? [] : [worker]);
  }

  /** Starts all of them. @throws WorkerFailed where one ends, or does not listen in time. */
  async start(): Promise<void> {
    await Promise.all(this.slots.map(async (slot) => {
      const worker = slot.worker = await Worker.start(this.#command);
      if (!await worker.up("listening", START)) throw new WorkerFailed(worker.exit);
      this.#watch(slot, worker, 0);
    }));
  }

  /** Replaces one after the other: the new one is ready before the old one stops. What is asked while one is under way is part of it. */
  roll(): Promise<void> {
    return this.#rolling ??= this.#roll().finally(() => this.#rolling = undefined);
  }

  /** Ends all: with the time that they give requests in flight, then without asking. @returns Whether all ended by themselves. */
  async stop(drainMs: number): Promise<boolean> {
    this.#stopping = true;
    const all = [...this.workers, ...this.#leaving];
    for (const worker of all) worker.signal("SIGTERM");
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      for (const worker of all) worker.signal("SIGKILL");
    }, drainMs + FAREWELL);
    await Promise.all(all.map(({ exited }) => exited));
    clearTimeout(timer);
    return !late && all.every(({ exit }) => exit?.status === 0);
  }

  /** Ends all at once. */
  kill(): void {
    this.#stopping = true;
    for (const worker of [...this.workers, ...this.#leaving]) worker.signal("SIGKILL");
  }

  async #roll(): Promise<void> {
    for (const slot of this.slots) {
      if (this.#stopping) return;
      const next = await Worker.start(this.#command);
      if (!await next.up("ready", REPLACE)) {
        next.signal("SIGKILL");
        log.error("Worker {number} keeps its process: the new one did not become ready", { number: slot.number });
        return;
      }
      const old = slot.worker;
      slot.worker = next;
      this.#watch(slot, next, 0);
      if (old !== undefined && old.exit === undefined) {
        this.#leaving.add(old);
        old.signal("SIGTERM");
        await old.exited;
        this.#leaving.delete(old);
      }
      log.info("Worker {number} is process {pid} now", { number: slot.number, pid: next.pid });
    }
  }

  #watch(slot: Slot, worker: Worker, crashes: number): void {
    void worker.exited.then(async (exit) => {
      this.#ended(worker);
      if (this.#stopping || slot.worker !== worker) return;
      slot.lastExit = exit;
      slot.restarts++;
      const inRow = Date.now() - worker.started > STEADY ? 0 : crashes;
      const delay = Math.min(MAX_BACKOFF, BACKOFF * 2 ** inRow);
      log.error("Worker {number} (process {pid}) ended with {exit}: another one is started in {delay} ms", {
        number: slot.number,
        pid: worker.pid,
        exit: exitText(exit),
        delay,
      });
      await new Promise((resolve) => setTimeout(resolve, delay));
      // A roll may have filled the place meanwhile.
      if (this.#stopping || slot.worker !== worker) return;
      const next = await Worker.start(this.#command);
      if (this.#stopping) return next.signal("SIGKILL");
      slot.worker = next;
      this.#watch(slot, next, inRow + 1);
    });
  }
}

function exitText({ status, signal }: WorkerExit): string {
  if (status !== null) return `status ${status}`;
  return signal ?? "an error before it began";
}
