import * as v from "valibot";
import { isAddressRange } from "./addresses.ts";
import { either, list, object, rule, ruled } from "./schema-tools.ts";

/** A text of `min` to `max` UTF-16 units. */
export function text(min: number = 0, max: number = 64 * 1024): v.GenericSchema<unknown, string> {
  const wanted = min === 0
    ? `must be a string of at most ${max} characters`
    : `must be a string of ${min} to ${max} characters`;
  return v.pipe(v.string("must be a string"), v.minLength(min, wanted), v.maxLength(max, wanted)) as Loosened<string>;
}

/** A text that matches a pattern; `wanted` continues `must be`. */
export function pattern(regex: RegExp, wanted: string, max: number = 64 * 1024): v.GenericSchema<unknown, string> {
  const message = `must be ${wanted}`;
  return v.pipe(v.string("must be a string"), v.maxLength(max, message), v.regex(regex, message)) as Loosened<string>;
}

/** An integer that JavaScript represents exactly. */
export function integer(min: number = Number.MIN_SAFE_INTEGER, max: number = Number.MAX_SAFE_INTEGER): v.GenericSchema<
  unknown,
  number
> {
  const message = `must be an integer${range(min, max)}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
  ) as Loosened<number>;
}

/** A number of at least `min`. */
export function atLeast(min: number): v.GenericSchema<unknown, number> {
  const message = `must be a number of at least ${min}`;
  return v.pipe(v.number(message), v.minValue(min, message)) as Loosened<number>;
}

/** One of several texts. */
export function oneOf<const T extends string>(...options: readonly T[]): v.GenericSchema<unknown, T> {
  return v.picklist(options, `must be one of ${options.join(", ")}`) as Loosened<T>;
}

/** An object of which a few fields are known; the others are kept. */
export function fields<const E extends v.ObjectEntries>(
  entries: E,
): v.GenericSchema<unknown, v.InferOutput<v.LooseObjectSchema<E, undefined>>> {
  return object(
    v.looseObject(entries, "must be an object") as Loosened<v.InferOutput<v.LooseObjectSchema<E, undefined>>>,
  );
}

/** An array whose items all differ. */
export function unique<T>(item: v.GenericSchema<unknown, T>, min = 0): v.GenericSchema<unknown, T[]> {
  return ruled(
    v.pipe(list(item), v.minLength(min, `must have at least ${min} item`)),
    rule<T[]>(
      (items) => new Set(items).size === items.length ? undefined : "must not have an item twice",
      { uniqueItems: true },
    ),
  );
}

/** `true` or `false`. */
export const flag: v.GenericSchema<unknown, boolean> = v.boolean("must be true or false") as Loosened<boolean>;

/** Any object; its content is for somebody else to check. */
export const anyObject: v.GenericSchema<unknown, Record<string, unknown>> = object(
  v.record(v.string(), v.unknown(), "must be an object") as Loosened<Record<string, unknown>>,
);

/** An id as Apache APISIX allows it; an integer means its decimal digits. */
export const id: v.GenericSchema<unknown, string> = either(
  (input) => typeof input === "number",
  v.pipe(integer(1), v.transform(String)),
  pattern(/^[a-zA-Z0-9._-]{1,64}$/, "an id of 1 to 64 letters, digits, '.', '_', '-', or an integer from 1"),
);

/** `foo.com`, `*.foo.com`, `*`, an address; as in APISIX's host_def. */
export const host: v.GenericSchema<unknown, string> = pattern(
  /^(?:\*|\*?[0-9a-zA-Z._[\]:-]+)$/,
  "a host of letters, digits and '.-_[]:', perhaps with '*' in front",
  255,
);

/** An IP address or CIDR range. */
export const addressRange: v.GenericSchema<unknown, string> = v.pipe(
  text(1, 64),
  v.check(isAddressRange, "must be an IPv4 or IPv6 address, or a CIDR range"),
);

/** Seconds, each greater than 0; all three are required, as in APISIX. */
export interface Timeout {
  readonly connect: number;
  readonly send: number;
  readonly read: number;
}

const seconds: v.GenericSchema<unknown, number> = v.pipe(
  v.number("must be a number of seconds greater than 0"),
  v.gtValue(0, "must be a number of seconds greater than 0"),
  // setTimeout() counts milliseconds in 31 bits; longer ones would fire at once.
  v.maxValue(2_147_483, "must be a number of at most 2147483 seconds"),
) as Loosened<number>;

export const timeout: v.GenericSchema<unknown, Timeout> = fields({ connect: seconds, send: seconds, read: seconds });

/** 1 where a resource is in use, 0 where it is switched off. */
export const status: v.GenericSchema<unknown, 0 | 1> = v.picklist([0, 1], "must be 0 or 1") as Loosened<0 | 1>;

/** What almost every kind may carry; times are seconds since 1970. */
export interface Described {
  readonly name?: string;
  readonly desc?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly create_time?: number;
  readonly update_time?: number;
}

type Optional<T> = v.ExactOptionalSchema<v.GenericSchema<unknown, T>, undefined>;

/** Fields of {@link Described} that every kind has, global rules too. */
export const stamps: { create_time: Optional<number>; update_time: Optional<number>; id: Optional<string> } = {
  id: v.exactOptional(id),
  create_time: v.exactOptional(integer(0)),
  update_time: v.exactOptional(integer(0)),
};

/** {@link stamps}, name, description and labels. */
export const described: typeof stamps & {
  name: Optional<string>;
  desc: Optional<string>;
  labels: Optional<Record<string, string>>;
} = {
  ...stamps,
  name: v.exactOptional(text(1, 256)),
  desc: v.exactOptional(text(0, 256)),
  labels: v.exactOptional(
    object(
      v.record(
        v.string(),
        pattern(/^\S{1,256}$/, "a label of 1 to 256 characters without white space"),
        "must be an object",
      ) as Loosened<Record<string, string>>,
    ),
  ),
};

/** A resource as its schema leaves it: the key gives the id later, and plugins are prepared later. */
export type Draft<T> = Omit<T, "id" | "plugins"> & { id?: string; plugins?: Record<string, unknown> };

/** Valibot types the input of `string()` as a string; what is validated here may be anything. */
type Loosened<T> = v.GenericSchema<unknown, T>;

function range(min: number, max: number): string {
  if (max !== Number.MAX_SAFE_INTEGER) return ` from ${min} to ${max}`;
  return min === Number.MIN_SAFE_INTEGER ? "" : ` of at least ${min}`;
}
