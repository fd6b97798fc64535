import assert from "node:assert/strict";
import { string, until, within } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { bodyOf, get, LIMITS, type ListenerContext, nodeAnswer, ok, post, statusOf } from "./listener-context.ts";
import { generated } from "./transport-context.ts";
import { rawConnect } from "../support/raw.ts";

const group = "Time, limits and the end";

function row(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { group, name, run };
}

function slow(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { ...row(name, run), slow: true };
}

/** The runtimes look for what is late at intervals; nothing may take longer than this beyond its limit of a second. */
const LATE = 5_000;

export const lifeRows: readonly Row<ListenerContext>[] = [
  slow("a connection that says nothing is closed", async (context) => {
    const served = await context.serve(ok, { headerTimeout: 1_000, idleTimeout: 1_000 });
    await (await served.connect()).ended(LATE);
  }),
  slow("a head that stops is closed", async (context) => {
    const served = await context.serve(ok, { headerTimeout: 1_000, idleTimeout: 1_000 });
    const client = await served.connect();
    await client.write("GET / HTTP/1.1\r\nHost: ga");
    await client.ended(LATE);
    assert.equal(served.seen.length, 0);
  }),
  slow("a head that drips is closed", async (context) => {
    const served = await context.serve(ok, { headerTimeout: 1_000, idleTimeout: 1_000 });
    const client = await served.connect();
    await client.write("GET / HTTP/1.1\r\nHost: gate.test\r\n");
    const begun = performance.now();
    while (client.end === "open" && performance.now() - begun < LATE) {
      await client.write("X: y\r\n");
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.notEqual(client.end, "open", "the connection is still open");
  }),
  slow("a late head on a connection that was used before is closed", async (context) => {
    const served = await context.serve(ok, { headerTimeout: 1_000, idleTimeout: 20_000 });
    const client = await served.connect();
    await client.write(get());
    await client.readMessage();
    await client.write("GET / HTTP/1.1\r\nHost: ga");
    await client.ended(LATE);
  }),
  slow("a body that stalls fails, with 408", async (context) => {
    let failure: unknown;
    const served = await context.serve(async (_request, inbound) => {
      try {
        await bodyOf(inbound);
      } catch (error) {
        failure = error;
      }
      return ok();
    }, { bodyTimeout: 500 });
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 10\r\n\r\nabc");
    await until(() => failure !== undefined, LATE, "the read of the body fails");
    assert.equal((failure as { status?: number }).status, 408);
  }),
  slow("a slow body within the timeout arrives", async (context) => {
    const served = await context.serve(async (_request, inbound) => {
      return new Response(await bodyOf(inbound) as Uint8Array<ArrayBuffer>);
    }, { bodyTimeout: 500, headerTimeout: 1_000, idleTimeout: 1_000 });
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 12\r\n\r\n");
    for (const byte of "slow but sur") {
      await client.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.equal(string((await client.readMessage()).body), "slow but sur");
  }),
  slow("a connection that idles is closed", async (context) => {
    const served = await context.serve(ok, { idleTimeout: 1_000 });
    const client = await served.connect();
    await client.write(get());
    await client.readMessage();
    await client.ended(LATE);
  }),
  row("a connection within its idle timeout serves on", async (context) => {
    const served = await context.serve(ok, { idleTimeout: 8_000 });
    const client = await served.connect();
    for (let i = 0; i < 3; i++) {
      await client.write(get());
      assert.equal(statusOf(await client.readMessage()), 200);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }),
  slow("a slow handler is not cut", async (context) => {
    const served = await context.serve(async () => {
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      return ok();
    }, { idleTimeout: 1_000, headerTimeout: 1_000, bodyTimeout: 1_000 });
    assert.equal(statusOf(await served.ask(get())), 200);
  }),
  slow("a client that takes nothing of its answer is cut", async (context) => {
    const { stream } = generated(64 * 1024 * 1024);
    let cancelled = false;
    const reader = stream.getReader();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void (cancelled = true),
    }, { highWaterMark: 0 });
    const served = await context.serve(() => nodeAnswer({ body }), { bodyTimeout: 500, idleTimeout: 1_000 });
    const client = await served.connect();
    client.pause();
    await client.write(get());
    await until(() => cancelled, LATE, "the answer is given up");
  }),
  row("connections over the limit are turned away", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const served = await context.serve(async () => {
      await released;
      return ok();
    }, { connections: 3 });
    const clients = await Promise.all([1, 2, 3].map(() => served.connect()));
    for (const client of clients) await client.write(get());
    await until(() => served.seen.length === 3, 2_000, "three requests are being answered");
    const fourth = await served.connect().catch(() => undefined);
    await fourth?.write(get());
    if (fourth !== undefined) {
      const answer = await fourth.readMessage().catch(() => undefined);
      assert.ok(answer === undefined || statusOf(answer) === 503);
    }
    assert.equal(served.seen.length, 3);
    release();
    for (const client of clients) assert.equal(statusOf(await client.readMessage()), 200);
  }),
  row("connections() counts", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const served = await context.serve(async () => {
      await released;
      return ok();
    });
    assert.equal(served.listener.connections(), 0);
    const client = await served.connect();
    await client.write(get());
    await until(() => served.listener.connections() === 1, 2_000, "one connection");
    release();
    await client.readMessage();
    client.destroy();
    await until(() => served.listener.connections() === 0, 2_000, "no connection");
  }),
  row("a port that is taken: EADDRINUSE", async (context) => {
    const served = await context.serve();
    await assert.rejects(
      async () => await context.listen({ host: "127.0.0.1", port: served.port, handler: ok, limits: LIMITS }),
      (error: Error & { code?: string }) => error.code === "EADDRINUSE",
    );
  }),
  row("close lets requests in flight finish, and accepts no more", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const served = await context.serve(async () => {
      await released;
      return ok();
    });
    const client = await served.connect();
    await client.write(get());
    await until(() => served.seen.length === 1, 2_000, "the handler is called");
    const closing = served.listener.close(5_000);
    await assert.rejects(
      within(
        (async () => {
          for (;;) (await rawConnect(served.port)).destroy();
        })(),
        2_000,
        "refusal",
      ),
      /ECONNREFUSED|ECONNRESET|refused/i,
    );
    release();
    assert.equal(statusOf(await client.readMessage()), 200);
    assert.equal(await within(closing, 3_000, "end of close"), 0);
    await client.ended(2_000);
  }),
  row("close lets an answer in flight finish", async (context) => {
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (own) => void (controller = own) });
    const served = await context.answering({ body });
    const client = await served.connect();
    await client.write(get());
    await client.readHead();
    const closing = served.listener.close(5_000);
    controller.enqueue(new TextEncoder().encode("abc"));
    controller.close();
    await client.readUntil("0\r\n\r\n", 2_000);
    assert.equal(await within(closing, 3_000, "end of close"), 0);
  }),
  row("close closes idle connections at once", async (context) => {
    const served = await context.serve();
    const client = await served.connect();
    await client.write(get());
    await client.readMessage();
    const begun = performance.now();
    await served.listener.close(5_000);
    await client.ended(1_000);
    assert.ok(performance.now() - begun < 1_000);
  }),
  row("close cuts what is not done in time, and says how many", async (context) => {
    const served = await context.serve(() => new Promise<Response>(() => {}));
    const clients = await Promise.all([1, 2].map(() => served.connect()));
    for (const client of clients) await client.write(get());
    await until(() => served.seen.length === 2, 2_000, "two requests are being answered");
    const cut = await within(served.listener.close(300), 3_000, "end of close");
    assert.equal(cut, 2);
    for (const client of clients) await client.ended(2_000);
  }),
  row("an answer while closing says so", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const served = await context.serve(async () => {
      await released;
      return ok();
    });
    const client = await served.connect();
    await client.write(post("abc"));
    await until(() => served.seen.length === 1, 2_000, "the handler is called");
    const closing = served.listener.close(5_000);
    release();
    assert.equal(statusOf(await client.readMessage()), 200);
    await client.ended(2_000);
    await closing;
  }),
];
