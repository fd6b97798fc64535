/**
 * What clients send with mistakes in it, 20,000 times, or as often as `GATEWATCH_FUZZ_INPUTS` says. Nothing hangs or throws, how it is cut into pieces
 * changes nothing, and no request is seen but those that the plainest reading finds: none is smuggled in another.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { bytes, cut } from "../transports/http1/record.ts";
import { createRandom, mutate, offsets } from "../wire/mutate.ts";
import { FakeClient, type SeenRequest } from "./client.ts";
import { readPlainly } from "./reference.ts";
import { SAMPLES } from "./samples.ts";

const INPUTS = Number(process.env["GATEWATCH_FUZZ_INPUTS"] ?? 20_000);
const SEED = Number(process.env["GATEWATCH_FUZZ_SEED"] ?? 20261127);
/** Inputs that wait for their answers together: a turn of the event loop for each would take most of the time. */
const BATCH = 200;
const WIRES = SAMPLES.map(({ wire }) => wire);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Input {
  readonly wire: string;
  readonly at: readonly number[];
  readonly whole: FakeClient;
  readonly pieces: FakeClient;
}

function begin(random: (below: number) => number): Input {
  const wire = mutate(WIRES[random(WIRES.length)]!, WIRES, random);
  const all = bytes(wire), at = offsets(all.byteLength, random);
  const whole = new FakeClient(), pieces = new FakeClient();
  whole.send(all);
  for (const piece of cut(all, ...at)) pieces.send(piece);
  return { wire, at, whole, pieces };
}

function check({ wire, at, whole, pieces }: Input, i: number): void {
  const where = `input ${i}, cut at ${at}: ${JSON.stringify(wire)}`;
  // Whether a body that nobody reads had begun decides whether the connection stays, and that depends on the pieces.
  if (!/expect/i.test(wire) || !/unread/.test(wire)) {
    assert.deepEqual(pieces.seen, whole.seen, where);
    assert.deepEqual(outcomes(pieces), outcomes(whole), where);
    assert.equal(pieces.closed, whole.closed, where);
  }
  const plainly = readPlainly(wire);
  for (const client of [whole, pieces]) {
    client.seen.forEach((seen, n) => checkSeen(seen, plainly[n], where));
    assert.ok(client.seen.length <= plainly.length + 1, `more requests than there are: ${where}`);
  }
}

/** Which of two mistakes is seen first, and so how a request is refused, may depend on the pieces. */
function outcomes({ statuses }: FakeClient): string[] {
  return statuses.map((status) => status < 400 ? "answered" : "refused");
}

function checkSeen(seen: SeenRequest, plain: readonly [string, string, string] | undefined, where: string): void {
  // One that is not complete, or breaks within its body, ends the plain reading; only it may have been seen nevertheless.
  if (plain === undefined) assert.ok(seen.body === "broken" || seen.body === undefined, where);
  else assert.deepEqual([seen.method, seen.target, seen.body ?? plain[2]], plain, where);
}

describe("requests with mistakes", () => {
  it(`read the same however they are cut, and as the plainest reading has them (${INPUTS} inputs)`, async () => {
    const random = createRandom(SEED);
    let refused = 0, seen = 0;
    for (let i = 0; i < INPUTS; i += BATCH) {
      const inputs = Array.from({ length: Math.min(BATCH, INPUTS - i) }, () => begin(random));
      // What waits for more of its body is left waiting; everything else is answered within some turns.
      for (let turns = 0; turns < 4; turns++) await turn();
      for (const [n, input] of inputs.entries()) {
        check(input, i + n);
        if (input.whole.statuses.some((status) => status >= 400)) refused++;
        seen += input.whole.seen.length;
        input.whole.leave();
        input.pieces.leave();
      }
    }
    console.log(`${INPUTS} inputs: ${seen} requests seen, ${refused} inputs with one that was refused`);
    assert.ok(refused > INPUTS / 10 && seen > INPUTS / 5, "the inputs are neither all wrong nor all right");
  });
});
