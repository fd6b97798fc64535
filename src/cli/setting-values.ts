import { availableParallelism } from "node:os";
import * as v from "valibot";
import { isAddressRange, isIpv6 } from "../config/addresses.ts";

/**
 * How the text of a setting is read. Flags, variables and files all hand over text, so that each kind of value is read in one place;
 * every message says what was given and what is wanted, and is put behind the name of the place that it came from.
 */
export type TextSchema<T> = v.GenericSchema<string, T>;

/** Where to listen: a name or an address, and a port; 0 = any free port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A text that must not be empty. */
export const text: TextSchema<string> = reader((value) => value);

/** A text that is taken as it is, spaces included. */
export const secret: TextSchema<string> = v.pipe(v.string(), v.minLength(1, "Cannot be empty"));

/** A name that stands in a key of etcd. */
export const identifier: TextSchema<string> = reader((value, fail) =>
  /^[\w.-]{1,128}$/.test(value) && !/^\.\.?$/.test(value)
    ? value
    : fail(`Cannot use "${value.slice(0, 128)}" as an id: write 1 to 128 letters, digits, "_", "-" and "."`)
);

/** A key of a keyring. */
export const keyringKey: TextSchema<string> = reader((value, fail) => {
  const { length } = new TextEncoder().encode(value);
  return length === 16 || length === 32 ? value : fail(`Cannot use a key of ${length} bytes: write 16 or 32`);
});

/** One of a few words. */
export function choice<const T extends string>(words: readonly T[]): TextSchema<T> {
  return reader((value, fail) => {
    const word = words.find((known) => known === value);
    return word ?? fail(`Cannot use "${value}": write ${list(words)}`);
  });
}

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `5m`, `1h`, `0`; yields milliseconds. */
export const duration: TextSchema<number> = reader((value, fail) => {
  if (value === "0") return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value);
  const ms = match === null ? NaN : Math.round(Number(match[1]) * DURATION_UNITS[match[2]!]!);
  // A timer takes no more than 2^31 - 1 ms; a longer one would fire at once.
  if (Number.isNaN(ms) || ms > 2_147_483_647) {
    return fail(
      `Cannot read "${value}" as a duration: write a number and a unit of at most 24 days, as in 500ms, 30s, 5m, 1h`,
    );
  }
  return ms;
});

/** A {@link duration} that is longer than nothing. */
export const interval: TextSchema<number> = v.pipe(duration, v.minValue(1000, "Cannot be shorter than 1s"));

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `65536`, `64KiB`, `10MB`, `1GiB`; yields bytes. */
export const size: TextSchema<number> = reader((value, fail) => {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(value);
  const unit = match === null ? undefined : SIZE_UNITS[match[2]!];
  const bytes = unit === undefined ? NaN : Math.round(Number(match![1]) * unit);
  return Number.isSafeInteger(bytes)
    ? bytes
    : fail(`Cannot read "${value}" as a size: write a number and a unit, as in 512B, 64KiB, 10MB, 1GiB`);
});

/** A whole number from 0. */
export const count: TextSchema<number> = reader((value, fail) => {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  return Number.isSafeInteger(number)
    ? number
    : fail(`Cannot read "${value}" as a count: write a whole number, as in 100`);
});

/** Processes: `4`, or `auto`, which is one for each core. */
export const workerCount: TextSchema<number> = reader((value, fail) => {
  if (value === "auto") return availableParallelism();
  const number = /^\d+$/.test(value) ? Number(value) : 0;
  return number >= 1 && number <= 256
    ? number
    : fail(`Cannot read "${value}" as a number of workers: write 1 to 256, or auto`);
});

/** `127.0.0.1:9080`, `localhost:9080`, `[::1]:9080`. */
export const listenAddress: TextSchema<ListenAddress> = reader((value, fail) => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2], port = Number(match?.[3]);
  const bad6 = match?.[1] !== undefined && !isIpv6(match[1]);
  if (host !== undefined && !bad6 && port <= 65535) return { host, port };
  const hint = /^:?\d{1,5}$/.test(value) ? ` (for all addresses: 0.0.0.0:${value.replace(":", "")})` : "";
  return fail(`Cannot listen on "${value}": write HOST:PORT, as in 127.0.0.1:9080 or [::1]:9080${hint}`);
});

/** The address of an etcd member: a scheme, a host and a port, and no more. */
export const etcdEndpoint: TextSchema<string> = reader((value, fail) => {
  if (!/^https?:\/\//i.test(value)) {
    return fail(`Cannot use "${hideUserInfo(value)}" as an etcd address: write http://HOST:PORT or https://HOST:PORT`);
  }
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined) return fail(`Cannot read "${hideUserInfo(value)}" as a URL: write http://HOST:PORT`);
  if (url.username !== "" || url.password !== "") {
    return fail(
      `Cannot use an etcd address with a user name or password in it: write them to --etcd-user and --etcd-password-file`,
    );
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return fail(`Cannot use "${value}" as an etcd address: write no path behind ${url.origin}`);
  }
  return url.origin;
});

/**
 * A URL of a control API, or its HOST:PORT; yields the origin to ask. An address that stands for all addresses (`0.0.0.0`) is asked
 * at loopback, so that `--control` of a server and of a client can be the same.
 */
export const controlUrl: TextSchema<string> = reader((value, fail) => {
  const full = /^[a-z]+:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || url.protocol !== "http:" || url.pathname !== "/" || url.username !== "") {
    return fail(`Cannot use "${hideUserInfo(value)}" as a control API's address: write HOST:PORT or http://HOST:PORT`);
  }
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  return url.origin;
});

/** Where the Admin API is, for who writes through it; yields its origin. */
export const adminUrl: TextSchema<string> = reader((value, fail) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const good = url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (good && (url.pathname === "/" || /^\/apisix\/admin\/?$/.test(url.pathname)) && url.search === "") {
    return url.origin;
  }
  return fail("Cannot use it as the Admin API's address: write http://HOST:PORT or https://HOST:PORT");
});

/** An address (`10.0.0.1`) or a network (`10.0.0.0/8`, `fd00::/8`). */
export const network: TextSchema<string> = reader((value, fail) => {
  if (isAddressRange(value)) return value;
  return fail(`Cannot read "${value}" as a network: write an address or a CIDR, as in 10.0.0.0/8`);
});

/** A key prefix in etcd; with or without a slash at its end it means the same, and a slash stands at its start. */
export const keyPrefix: TextSchema<string> = reader((value, fail) => {
  const inner = value.replace(/^\/+|\/+$/g, "");
  if (inner === "") {
    return fail(`Cannot use "${value}" as a prefix: it would read every key in etcd; write a name, as in /gatewatch`);
  }
  if (/\p{Cc}/u.test(inner)) return fail(`Cannot use a prefix with control characters in it`);
  return `/${inner}`;
});

/** Turns a function into a schema; empty text is refused for every setting. */
function reader<T>(read: (value: string, fail: (message: string) => never) => T): TextSchema<T> {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = dataset.value.trim();
      try {
        return read(value === "" ? refuse("Cannot be empty") : value, refuse);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

class Refusal extends Error {}

function refuse(message: string): never {
  throw new Refusal(message);
}

/** Takes a user name and password out of what looks like a URL. */
function hideUserInfo(value: string): string {
  return value.replace(/^([^@]*\/\/)?[^@]*@/, "$1***@");
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
