import type { Hono } from "hono";
import { createAdmin } from "../../../src/admin/admin.ts";
import { memorySource } from "../../../src/sources/memory.ts";
import type { WritableSource } from "../../../src/store/writable.ts";

export const KEY = "an-admin-key-of-tests";
export const VIEWER = "a-viewer-key-of-tests";

/** A reply, read. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** As JSON, of whatever form the test expects; undefined where it is none. */
  readonly body: ReturnType<typeof JSON.parse>;
}

/** A request's further parts. */
export interface CallOptions {
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An Admin API over a source, and how to call it: paths begin below `/apisix/admin`. */
export interface TestAdmin {
  readonly app: Hono;
  readonly source: WritableSource;
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Reply>;
}

/** The second that every test is in. */
export const NOW = 1_700_000_000;

export function testAdmin(
  source: WritableSource = memorySource(),
  options: Partial<Parameters<typeof createAdmin>[0]> = {},
): TestAdmin {
  const app = createAdmin({
    source,
    keys: [{ key: KEY, role: "admin" }, { key: VIEWER, role: "viewer" }],
    version: "0.0.0",
    loopback: true,
    now: () => NOW * 1000,
    ...options,
  });
  return {
    app,
    source,
    async call(method, path, body, { key = KEY, headers = {} } = {}) {
      const init: RequestInit = { method, headers: { ...(key === "" ? {} : { "x-api-key": key }), ...headers } };
      if (body instanceof Uint8Array || typeof body === "string") init.body = body as BodyInit;
      else if (body !== undefined) init.body = JSON.stringify(body);
      const response = await app.fetch(new Request(`http://127.0.0.1:9180/apisix/admin${path}`, init));
      const text = await response.text();
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        parsed = undefined;
      }
      return { status: response.status, headers: response.headers, text, body: parsed };
    },
  };
}

/** An upstream written into a route. */
export const UPSTREAM = { type: "roundrobin", nodes: { "127.0.0.1:1980": 1 } } as const;
