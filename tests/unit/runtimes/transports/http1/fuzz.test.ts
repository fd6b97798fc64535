/**
 * Answers with mistakes in them, 100,000 of them, or as many as `GATEWATCH_FUZZ_INPUTS` says. Whatever a node sends: nothing hangs, nothing is
 * thrown but `BadMessage`, how it is cut into pieces changes nothing, and nothing of it ends up in the answer to another request.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { TransportError, type UpgradeAnswer } from "../../../../../src/forward/transport.ts";
import { Connection } from "../../../../../src/runtimes/transports/http1/connection.ts";
import { Exchange } from "../../../../../src/runtimes/transports/http1/exchange.ts";
import { Pool } from "../../../../../src/runtimes/transports/http1/pool.ts";
import { FakeSocket } from "./fake-socket.ts";
import { createRandom, mutate, offsets } from "../../wire/mutate.ts";
import { bytes, cut, MAX_HEAD, read, type Reading, text } from "./record.ts";
import { SAMPLES } from "./samples.ts";

const INPUTS = Number(process.env["GATEWATCH_FUZZ_INPUTS"] ?? 100_000);
const SEED = Number(process.env["GATEWATCH_FUZZ_SEED"] ?? 20261123);
/** Of the inputs, those that go through a whole exchange. */
const EXCHANGES = Math.floor(INPUTS / 5);

describe("an answer with mistakes", () => {
  it(`reads the same however it is cut (${INPUTS - EXCHANGES} inputs)`, () => {
    const random = createRandom(SEED);
    for (let i = 0; i < INPUTS - EXCHANGES; i++) {
      const { wire, method } = mutated(random);
      const all = bytes(wire), ended = random(2) === 0;
      const whole = read([all], method, ended);
      const at = offsets(all.byteLength, random);
      const pieces = read(cut(all, ...at), method, ended);
      if (JSON.stringify(whole) !== JSON.stringify(pieces)) {
        assert.deepEqual(pieces, whole, `input ${i}, ${method}, cut at ${at}: ${JSON.stringify(wire)}`);
      }
      if (whole.status === undefined || whole.bad) assert.equal(whole.left, "");
    }
  });

  it(`never reaches another request (${EXCHANGES} exchanges)`, async () => {
    const random = createRandom(SEED + 1);
    const fuzz = new Requests();
    for (let i = 0; i < EXCHANGES; i++) {
      // Every other one is in order: it leaves the connection to the next one, and is the one that must not be told anything of another.
      const { wire, method } = random(2) === 0 ? intact(random) : mutated(random);
      const all = bytes(wire), ended = random(4) === 0;
      const at = offsets(all.byteLength, random);
      const expected = read([all], method, ended);
      const found = await fuzz.run(method, cut(all, ...at), ended, i);
      const where = `exchange ${i}, ${method}, cut at ${at}: ${JSON.stringify(wire)}`;
      check(found, expected, where);
    }
    assert.ok(
      fuzz.reused > EXCHANGES / 5,
      `only ${fuzz.reused} exchanges were on a connection that had served another`,
    );
    fuzz.pool.close();
  });
});

const WIRES = SAMPLES.map(({ wire }) => wire);

/** An answer that is in order. */
function intact(random: (below: number) => number): { wire: string; method: string } {
  const { wire, method = "GET" } = SAMPLES[random(SAMPLES.length)]!;
  return { wire, method };
}

/** An answer that is not quite in order any more. */
function mutated(random: (below: number) => number): { wire: string; method: string } {
  const { wire, method } = intact(random);
  return { wire: mutate(wire, WIRES, random), method: random(16) === 0 ? "HEAD" : method };
}

/** What the sender of a request sees. */
type Seen =
  | { answer: UpgradeAnswer; body: string; whole: boolean }
  | { error: TransportError };

class Requests {
  reused = 0;
  readonly pool = new Pool(
    { host: "node", port: 1, keepAlive: { size: 8, idleTimeout: 60_000, requests: 0 } },
    MAX_HEAD,
  );
  #socket: FakeSocket | undefined;

  async run(method: string, pieces: readonly Uint8Array[], ended: boolean, id: number): Promise<Seen> {
    const socket = this.#connected();
    const sent = socket.written.length;
    const done = Promise.withResolvers<UpgradeAnswer>();
    new Exchange(
      {
        peer: this.pool.peer,
        method,
        target: `/${id}`,
        headers: ["Host", "node"],
        body: null,
        timeouts: { connect: 0, send: 0, read: 0 },
        signal: new AbortController().signal,
      },
      this.pool,
      false,
      done.resolve,
      done.reject,
    ).start();
    assert.ok(socket.written.slice(sent).startsWith(`${method} /${id} `), "the request went out on the connection");
    socket.written = "";
    for (const piece of pieces) if (piece.byteLength > 0) socket.deliver(piece);
    // What did not make an answer so far never will.
    if (ended) socket.end();
    const timer = setImmediate(() => socket.end());
    try {
      const answer = await done.promise;
      clearImmediate(timer);
      return { answer, ...await bodyOf(answer, () => socket.end()) };
    } catch (error) {
      assert.ok(error instanceof TransportError, String(error));
      return { error };
    } finally {
      clearImmediate(timer);
    }
  }

  /** The connection of the request before, where it can still be used. */
  #connected(): FakeSocket {
    const before = this.#socket;
    const connection = this.pool.take();
    if (before !== undefined && connection?.socket === before.socket) {
      this.reused++;
      this.pool.give(connection, undefined);
      return before;
    }
    const socket = this.#socket = new FakeSocket();
    this.pool.give(new Connection(socket.socket, this.pool, MAX_HEAD), undefined);
    return socket;
  }
}

async function bodyOf(answer: UpgradeAnswer, end: () => void): Promise<{ body: string; whole: boolean }> {
  if ("tunnel" in answer) throw new Error("An upgrade that nobody asked for");
  const { body } = answer;
  if (body === null) return { body: "", whole: true };
  if (body instanceof Uint8Array) return { body: text(body), whole: true };
  let all = "";
  const timer = setImmediate(end);
  try {
    for await (const part of body) all += text(part);
    return { body: all, whole: true };
  } catch (error) {
    assert.ok(error instanceof TransportError, String(error));
    return { body: all, whole: false };
  } finally {
    clearImmediate(timer);
  }
}

function check(found: Seen, expected: Reading, where: string): void {
  if ("error" in found) {
    // Refused: because nothing can be made of it, or because it never became whole.
    const acceptable = expected.bad || expected.status === undefined || expected.status === 101 ||
      expected.status > 599;
    if (!acceptable) assert.equal(expected.trailers, undefined, `${found.error.message}; ${where}`);
    return;
  }
  const { answer, body, whole } = found;
  assert.equal(answer.status, expected.status, where);
  assert.deepEqual(answer.headers, expected.headers, where);
  if (whole && !closedIn(expected)) {
    assert.notEqual(expected.trailers, undefined, `incomplete, yet taken for whole: ${where}`);
  }
  // A body that broke may have lost its end, and never has what was not in it.
  if (whole) assert.equal(body, expected.body, where);
  else assert.ok(expected.body.startsWith(body), where);
}

/** Whether the body ends with the connection, which ends after every input. */
function closedIn({ headers, status, keepAlive }: Reading): boolean {
  const names = headers?.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  return status !== undefined && keepAlive === false && names?.includes("content-length") === false &&
    names.includes("transfer-encoding") === false;
}
