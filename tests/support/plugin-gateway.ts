import { createGateway, type Gateway, type GatewayOptions } from "../../src/gateway/gateway.ts";
import { listenHttp1 } from "../../src/runtimes/http1.ts";
import type { Listen, ListenerLimits } from "../../src/runtimes/listener.ts";
import { http1Transport } from "../../src/runtimes/transports/http1.ts";
import { type MemorySource, memorySource, type MemoryValue } from "../../src/sources/memory.ts";
import type { KeyStatus } from "../../src/store/key-status.ts";
import { type EchoOrigin, type SeenRequest, startEchoOrigin } from "./echo-origin.ts";
import { header, headersOf, rawRequest, string } from "./raw.ts";
import { until } from "./until.ts";

/** An answer as it came over the wire. */
export interface GatewayAnswer {
  readonly status: number;
  /** Name, value, name, value, ... */
  readonly headers: readonly string[];
  /** As Latin-1 text. */
  readonly text: string;
  /** The first field of that name, whatever its case. */
  header(name: string): string | undefined;
  /** All fields of that name. */
  headersOf(name: string): string[];
  /** The body as JSON. */
  json(): unknown;
  /** The echo origin's body: the request as it arrived there. Fails where the answer is not the origin's. */
  echoed(): SeenRequest & { header(name: string): string | undefined };
}

/** A request to send; header fields as an object, or as name, value, name, value, ... where order, case or duplicates matter. */
export interface GatewayRequest {
  readonly method?: string;
  readonly headers?: readonly string[] | Readonly<Record<string, string>>;
  /** As Latin-1 text. */
  readonly body?: string;
}

/** A gateway and the origin behind it, on sockets of 127.0.0.1, with the listener and the transport that all three runtimes share. */
export interface PluginGateway {
  readonly port: number;
  readonly gateway: Gateway;
  readonly source: MemorySource;
  readonly origin: EchoOrigin;
  /** An `upstream` whose only node is the origin. */
  readonly upstream: { readonly nodes: Readonly<Record<string, number>> };
  /** Writes keys (`routes/1`) in one revision, undefined deletes, and waits until they are applied. */
  put(resources: Readonly<Record<string, MemoryValue | undefined>>): Promise<void>;
  /** Replaces everything by route `1`, of every path, to the origin, with these plugins; and by `others`. */
  route(
    plugins: Readonly<Record<string, unknown>>,
    others?: Readonly<Record<string, MemoryValue | undefined>>,
  ): Promise<void>;
  /** Sends one request on a connection of its own. `Host: localhost` unless the headers say otherwise. */
  send(target?: string, request?: GatewayRequest): Promise<GatewayAnswer>;
  /** Sends bytes as they are and reads one answer. */
  raw(text: string, method?: string): Promise<GatewayAnswer>;
  /** What became of a key. */
  keyStatus(key: string): KeyStatus;
  /** The same, as `path: message` of each issue (or of each warning). */
  issues(key: string): string[];
  warnings(key: string): string[];
  close(): Promise<void>;
}

export interface PluginGatewayOptions extends Omit<GatewayOptions, "source"> {
  /** Default: the listener and the transport that are everybody's default. */
  readonly listen?: Listen;
  readonly limits?: Partial<ListenerLimits>;
}

/**
 * Starts a gateway without routes.
 *
 * @example
 * ```ts
 * const gateway = await startPluginGateway();
 * await gateway.route({ "key-auth": {} });
 * assert.equal((await gateway.send("/")).status, 401);
 * await gateway.close();
 * ```
 */
export async function startPluginGateway(
  { listen = listenHttp1, limits = {}, ...options }: PluginGatewayOptions = {},
): Promise<PluginGateway> {
  const origin = await startEchoOrigin();
  const source = memorySource();
  const transport = http1Transport();
  const gateway = createGateway({ transport, ...options, source });
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: (request, inbound) => gateway.fetch(request, { inbound }),
    limits: {
      headerBytes: 64 * 1024,
      headerCount: 200,
      bodyBytes: 16 * 1024 * 1024,
      headerTimeout: 10_000,
      bodyTimeout: 10_000,
      idleTimeout: 10_000,
      connections: 0,
      ...limits,
    },
  });
  await gateway.ready;
  const { port } = listener.address;
  const upstream = { nodes: { [`127.0.0.1:${origin.port}`]: 1 } };
  let present = new Set<string>();

  const put: PluginGateway["put"] = async (resources) => {
    for (const [key, value] of Object.entries(resources)) {
      if (value === undefined) present.delete(key);
      else present.add(key);
    }
    const revision = source.transaction(resources);
    const applied = () => (gateway.status().revision ?? -1) >= revision;
    await until(applied, { what: `revision ${revision} is applied`, every: 1 });
  };
  const raw: PluginGateway["raw"] = async (text, method = "") => {
    const { startLine, headers, body } = await rawRequest(port, text, method);
    const answer: GatewayAnswer = {
      status: Number(startLine.split(" ")[1]),
      headers,
      text: string(body),
      header: (name) => header(headers, name),
      headersOf: (name) => headersOf(headers, name),
      json: () => JSON.parse(answer.text),
      echoed() {
        if (!answer.text.startsWith(`{"method":`)) {
          throw new Error(`Not the origin's answer: ${startLine} ${answer.text}`);
        }
        const seen = JSON.parse(answer.text) as SeenRequest;
        return { ...seen, header: (name) => header(seen.headers, name) };
      },
    };
    return answer;
  };
  const keyStatus: PluginGateway["keyStatus"] = (key) => {
    const found = gateway.keys({}).find((status) => status.key === key);
    if (found === undefined) throw new Error(`No key ${key}`);
    return found;
  };

  return {
    port,
    gateway,
    source,
    origin,
    upstream,
    put,
    route(plugins, others = {}) {
      const gone = Object.fromEntries([...present].map((key) => [key, undefined]));
      present = new Set();
      return put({ ...gone, "routes/1": { uri: "/*", upstream, plugins }, ...others });
    },
    send: (target = "/", { method = "GET", headers = {}, body } = {}) =>
      raw(toText(target, method, Array.isArray(headers) ? headers : Object.entries(headers).flat(), body), method),
    raw,
    keyStatus,
    issues: (key) => keyStatus(key).issues.map(({ path, message }) => `${path}: ${message}`),
    warnings: (key) => keyStatus(key).warnings.map(({ path, message }) => `${path}: ${message}`),
    async close() {
      await listener.close(0);
      await gateway.close();
      await (options.transport ?? transport).close();
      await origin.close();
    },
  };
}

function toText(target: string, method: string, headers: readonly string[], body: string | undefined): string {
  const fields = [...headers];
  if (header(fields, "host") === undefined) fields.unshift("Host", "localhost");
  if (body !== undefined && header(fields, "transfer-encoding") === undefined) {
    fields.push("Content-Length", String(body.length));
  }
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${text}\r\n${body ?? ""}`;
}
