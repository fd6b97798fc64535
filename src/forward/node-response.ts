import type { NodeFields } from "../net/answer-fields.ts";
import { HeaderList } from "../net/header-list.ts";
import type { OutboundAnswer } from "./transport.ts";

const NativeResponse = globalThis.Response;

/** Statuses whose Response must have no body (Fetch standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/**
 * A node's answer as a Response that is only made in full when somebody asks for more than its status: to make one, with its `Headers`, costs more
 * than the rest of what a gateway does with a small answer, and a listener that writes raw heads needs none.
 */
export class NodeResponse implements NodeFields {
  readonly status: number;
  #answer: OutboundAnswer;
  #fields: HeaderList | undefined;
  #full: Response | undefined;

  constructor(answer: OutboundAnswer) {
    this.status = answer.status;
    this.#answer = answer;
  }

  /** What the node answered; with other fields where these were changed by {@link NodeResponse.nodeFields}. */
  get answer(): OutboundAnswer {
    const headers = this.#fields?.raw();
    if (headers !== undefined && headers !== this.#answer.headers) this.#answer = { ...this.#answer, headers };
    return this.#answer;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get nodeFields(): HeaderList | undefined {
    return this.#full === undefined ? this.#fields ??= new HeaderList(this.#answer.headers) : undefined;
  }

  get statusText(): string {
    return "";
  }

  /** The answer, as long as nobody can have changed it in any other way. */
  get untouched(): OutboundAnswer | undefined {
    return this.#full === undefined ? this.answer : undefined;
  }

  /** The same as the runtime's own object, always the same one. */
  full(): Response {
    return this.#full ??= toNative(this.answer);
  }
}

function toNative({ status, headers: raw, body }: OutboundAnswer): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!);
  return new NativeResponse(NULL_BODY.has(status) ? null : body as BodyInit | null, { status, headers });
}

for (const name of ["body", "bodyUsed", "headers", "redirected", "type", "url"]) {
  Object.defineProperty(NodeResponse.prototype, name, {
    get(this: NodeResponse): unknown {
      return Reflect.get(this.full(), name);
    },
  });
}
for (const name of ["arrayBuffer", "blob", "bytes", "clone", "formData", "json", "text"]) {
  Object.defineProperty(NodeResponse.prototype, name, {
    value(this: NodeResponse): unknown {
      const full = this.full();
      return Reflect.apply(Reflect.get(full, name) as () => unknown, full, []);
    },
  });
}
Object.setPrototypeOf(NodeResponse.prototype, NativeResponse.prototype);
