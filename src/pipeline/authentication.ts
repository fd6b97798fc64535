import { getLogger } from "@logtape/logtape";
import type { MiddlewareHandler } from "hono";
import * as v from "valibot";
import { pattern, text } from "../config/fields.ts";
import type { HeaderList } from "../net/header-list.ts";
import type { ConsumerDirectory, ConsumerIdentity } from "./consumers.ts";
import type { PluginContext, PluginEnv, PluginExchange, UpstreamRequest } from "./context.ts";
import { messageResponse } from "./message.ts";
import { stepMiddleware } from "./step.ts";

/** Who a request is from, or what the client is told where that cannot be said. */
export type Verdict = ConsumerIdentity | string;

/** What authentication plugins have in common. */
export interface Authentication {
  /** The plugin's name. */
  readonly name: string;
  /** Scheme of the `WWW-Authenticate` field, as in `Basic`. */
  readonly scheme: string;
  readonly realm: string;
  /** Username of the consumer that requests without good credentials are from. */
  readonly anonymousConsumer: string | undefined;
  readonly consumers: ConsumerDirectory;
  /** `c`: Hono's context, where the request has one. */
  readonly verify: (
    exchange: PluginExchange,
    request: UpstreamRequest,
    c?: PluginContext,
  ) => Verdict | Promise<Verdict>;
  /** Takes the credentials out of a request that goes on as the anonymous consumer's. */
  readonly hide?: (request: UpstreamRequest) => void;
}

/** The `realm` option: printable ASCII without `"` and `\` (APISIX `schema_def.lua`, get_realm_schema). */
export function realm(initial: string): v.ExactOptionalSchema<v.GenericSchema<unknown, string>, string> {
  const wanted = `1 to 128 printable ASCII characters without '"' and '\\'`;
  return v.exactOptional(pattern(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,128}$/, wanted), initial);
}

/** The `anonymous_consumer` option. */
export const anonymousConsumer: v.ExactOptionalSchema<v.GenericSchema<unknown, string>, undefined> = v.exactOptional(
  text(1, 256),
);

/**
 * Makes the middleware of an authentication plugin: a request that is verified goes on as its consumer's, another one as the anonymous
 * consumer's where there is one, and else is refused with 401 and a challenge.
 */
export function authenticate(settings: Authentication): MiddlewareHandler<PluginEnv> {
  const { name, anonymousConsumer: anonymous, consumers, verify, hide } = settings;
  const challenge = { "www-authenticate": `${settings.scheme} realm="${settings.realm}"` };
  let told = false;

  const named = (request: UpstreamRequest, username: string): Verdict => {
    hide?.(request);
    const identity = consumers.named(username);
    if (identity === undefined && !told) {
      told = true;
      getLogger(["gatewatch", "plugin", name]).error(
        "Cannot let requests pass as the anonymous consumer '{username}' as there is no such consumer",
        { username },
      );
    }
    return identity ?? "Invalid user authorization";
  };
  const decide = (exchange: PluginExchange, request: UpstreamRequest, found: Verdict): Response | undefined => {
    const verdict = typeof found === "string" && anonymous !== undefined ? named(request, anonymous) : found;
    if (typeof verdict === "string") return messageResponse(401, verdict, challenge);
    exchange.authenticate(verdict);
    return undefined;
  };
  return stepMiddleware((exchange, request, c) => {
    const found = verify(exchange, request, c);
    return found instanceof Promise
      ? found.then((verdict) => decide(exchange, request, verdict))
      : decide(exchange, request, found);
  });
}

/**
 * The value of a header field that must say one thing: undefined where the field is not there, `false` where it is there several times with
 * different values, or is no UTF-8, so that nobody behind the gateway can read another value than was verified.
 */
export function soleValue(headers: HeaderList, name: string): string | false | undefined {
  const values = headers.getAll(name);
  const [first] = values;
  if (first === undefined) return undefined;
  if (values.some((value) => value !== first)) return false;
  return toText(first);
}

/** Field values come as one UTF-16 unit a byte. */
function toText(value: string): string | false {
  // deno-lint-ignore no-control-regex -- all of ASCII
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(value, (unit) => unit.charCodeAt(0)));
  } catch {
    return false;
  }
}
