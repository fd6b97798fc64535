/** Makes an id for one request. */
export type IdGenerator = () => string;

/** How `range_id` looks. */
export interface RangeId {
  /** Characters. */
  readonly length: number;
  readonly char_set: string;
}

/** The ways in which Apache APISIX's request-id makes ids. */
export const ID_ALGORITHMS = ["uuid", "nanoid", "range_id", "ksuid", "uuidv7"] as const;

/** Prepares a way to make ids. All of them draw from the system's secure random numbers. */
export function createIdGenerator(algorithm: (typeof ID_ALGORITHMS)[number], range: RangeId): IdGenerator {
  switch (algorithm) {
    case "uuid":
      return () => crypto.randomUUID();
    case "nanoid":
      return pick(NANOID, 21);
    case "range_id":
      return pick(range.char_set, range.length);
    case "ksuid":
      return ksuid;
    case "uuidv7":
      return createUuidV7();
  }
}

const NANOID = "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Random bytes are drawn many at a time, since a draw costs about as much for one as for hundreds. */
class RandomBytes {
  readonly #bytes = new Uint8Array(4096);
  #at = 4096;

  next(): number {
    if (this.#at === this.#bytes.length) {
      crypto.getRandomValues(this.#bytes);
      this.#at = 0;
    }
    return this.#bytes[this.#at++]!;
  }
}

const random = new RandomBytes();

/** So many characters of a set, each as likely as the others. */
function pick(set: string, length: number): IdGenerator {
  const { length: size } = set;
  // The largest multiple of the size that the drawn number can reach; what is above would make the first characters likelier.
  const bytes = size <= 256 ? 1 : 2;
  const limit = Math.floor(256 ** bytes / size) * size;
  const draw = () => {
    for (;;) {
      const number = bytes === 1 ? random.next() : random.next() * 256 + random.next();
      if (number < limit) return number % size;
    }
  };
  return () => {
    let id = "";
    for (let i = 0; i < length; i++) id += set[draw()]!;
    return id;
  };
}

/** Seconds between the Unix epoch and that of ksuids. */
const KSUID_EPOCH = 1_400_000_000;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 4 bytes of time and 16 random ones in base 62 (https://github.com/segmentio/ksuid). */
function ksuid(): string {
  // In base 2^16, the most significant first, so that a remainder and a digit fit in an integer.
  const digits = new Uint32Array(10);
  const seconds = Math.floor(Date.now() / 1000) - KSUID_EPOCH;
  digits[0] = seconds >>> 16;
  digits[1] = seconds & 0xffff;
  for (let i = 2; i < 10; i++) digits[i] = random.next() << 8 | random.next();
  let id = "";
  for (let i = 0; i < 27; i++) {
    let remainder = 0;
    for (let j = 0; j < 10; j++) {
      const value = remainder * 0x10000 + digits[j]!;
      digits[j] = Math.floor(value / 62);
      remainder = value % 62;
    }
    id = BASE62[remainder]! + id;
  }
  return id;
}

/** Bits of the counter that keeps ids of one millisecond in order. */
const COUNTER_BITS = 18;

/** UUIDs of version 7 (RFC 9562 section 5.7), each greater than the one before: a counter fills rand_a and the first bits of rand_b (section 6.2, method 1). */
function createUuidV7(): IdGenerator {
  let last = 0, counter = 0;
  return () => {
    const now = Date.now();
    if (now > last) {
      last = now;
      // Room to count up in is left: the highest bit begins as 0.
      counter = (random.next() << 16 | random.next() << 8 | random.next()) & (2 ** (COUNTER_BITS - 1) - 1);
    } else if (++counter >= 2 ** COUNTER_BITS) {
      // Sooner than to wait for the clock, the id is dated a millisecond ahead, as section 6.2 allows.
      last++;
      counter = 0;
    }
    const time = hex(last, 12);
    const high = hex(0x7000 | counter >>> 6, 4), low = hex(0x80 | counter & 0x3f, 2);
    let rest = "";
    for (let i = 0; i < 7; i++) rest += hex(random.next(), 2);
    return `${time.slice(0, 8)}-${time.slice(8)}-${high}-${low}${rest.slice(0, 2)}-${rest.slice(2)}`;
  };
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
