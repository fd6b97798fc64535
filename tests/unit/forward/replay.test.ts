import { rejects, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { replayable } from "../../../src/forward/replay.ts";

function source(...parts: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const part = parts.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(encoder.encode(part));
    },
  }, { highWaterMark: 0 });
}

const text = (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream).text();

describe("replayable", () => {
  it("passes a body on", async () => {
    const body = replayable(source("ab", "cd"), 100);
    strictEqual(await text(body.stream()), "abcd");
    strictEqual(body.replayable(), true);
  });

  it("sends all of it again after a part was read", async () => {
    const body = replayable(source("ab", "cd", "ef"), 100);
    const reader = body.stream().getReader();
    await reader.read();
    body.stop();
    strictEqual(await text(body.stream()), "abcdef");
    strictEqual(await text(body.stream()), "abcdef");
  });

  it("gives up once more than the limit has passed", async () => {
    const body = replayable(source("ab", "cd"), 3);
    strictEqual(await text(body.stream()), "abcd");
    strictEqual(body.replayable(), false);
  });

  it("loses nothing of a read that was under way when the try ended", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => release = resolve);
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await gate;
        controller.enqueue(new TextEncoder().encode("late"));
        controller.close();
      },
    }, { highWaterMark: 0 });
    const body = replayable(slow, 100);
    const first = body.stream().getReader();
    const read = first.read();
    body.stop();
    const again = text(body.stream());
    release();
    strictEqual(await again, "late");
    void read.catch(() => {});
  });

  it("passes a broken body on as broken", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("gone"));
      },
    }, { highWaterMark: 0 });
    await rejects(text(replayable(broken, 100).stream()));
  });
});
