import type { Inbound } from "../../net/inbound.ts";

const NativeRequest = globalThis.Request;

/**
 * A Request of a listener that is only made in full when somebody asks for more than its method, URL and header fields: on Node a
 * full one costs more than all the rest of a small request.
 *
 * Its `url` holds the target as it was received, while the URL of an ordinary Request is normalised.
 */
class ListenerRequest {
  readonly method: string;
  readonly #host: string;
  readonly #inbound: Inbound;
  #headers: Headers | undefined;
  #full: Request | undefined;

  constructor(method: string, host: string, inbound: Inbound) {
    this.method = method;
    this.#host = host;
    this.#inbound = inbound;
  }

  get url(): string {
    const { secure, target } = this.#inbound;
    return `${secure ? "https" : "http"}://${this.#host}${target}`;
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      const raw = this.#inbound.headers;
      const headers = this.#headers = new Headers();
      for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!);
    }
    return this.#headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return hasRequestBody(this.method) ? this.#inbound.body : null;
  }

  get signal(): AbortSignal {
    return this.#inbound.signal;
  }

  /** The same request as the runtime's own object. */
  full(): Request {
    if (this.#full !== undefined) return this.#full;
    // Fetch forbids TRACE; as the method of a request that was received it is nevertheless true.
    const trace = this.method === "TRACE";
    const init: RequestInit & { duplex: "half" } = {
      method: trace ? "GET" : this.method,
      headers: this.headers,
      body: this.body,
      signal: this.signal,
      duplex: "half",
    };
    const full = this.#full = new NativeRequest(this.url, init);
    if (trace) Object.defineProperty(full, "method", { value: "TRACE" });
    return full;
  }
}

/** Fetch has no bodies for these (its "request body" rule); TRACE must not have one. */
function hasRequestBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "TRACE";
}

const ASK_THE_FULL_ONE = [
  "bodyUsed",
  "cache",
  "credentials",
  "destination",
  "duplex",
  "integrity",
  "isHistoryNavigation",
  "keepalive",
  "mode",
  "redirect",
  "referrer",
  "referrerPolicy",
];
const CALL_THE_FULL_ONE = ["arrayBuffer", "blob", "bytes", "clone", "formData", "json", "text"];

for (const name of ASK_THE_FULL_ONE) {
  Object.defineProperty(ListenerRequest.prototype, name, {
    get(this: ListenerRequest): unknown {
      return Reflect.get(this.full(), name);
    },
  });
}
for (const name of CALL_THE_FULL_ONE) {
  Object.defineProperty(ListenerRequest.prototype, name, {
    value(this: ListenerRequest): unknown {
      const full = this.full();
      return Reflect.apply(Reflect.get(full, name) as () => unknown, full, []);
    },
  });
}
Object.setPrototypeOf(ListenerRequest.prototype, NativeRequest.prototype);

/** @param host The Host field as received; the URL is made of it and the target. */
export function createListenerRequest(method: string, host: string, inbound: Inbound): Request {
  return new ListenerRequest(method, host, inbound) as unknown as Request;
}

let installed = false;

/**
 * Teaches `new Request(request)` to take a listener's request, as Hono's own middleware makes one (`hono/body-limit`). The runtime's constructor
 * would look for its internal slots in vain.
 */
export function installRequest(): void {
  if (installed) return;
  installed = true;
  const wrapped: typeof Request = new Proxy(NativeRequest, {
    construct(target, [input, ...rest], newTarget) {
      const args = [input instanceof ListenerRequest ? input.full() : input, ...rest];
      return Reflect.construct(target, args, newTarget === wrapped ? target : newTarget) as Request;
    },
  });
  Object.defineProperty(globalThis, "Request", {
    value: wrapped,
    configurable: true,
    writable: true,
    enumerable: false,
  });
}
