/** How many entries the static table has (RFC 7541 appendix A). */
export const STATIC_LENGTH = 61;

/** The first 16 entries: after them, there are no values. */
const FIELDS: readonly string[] = [
  ...[":authority", "", ":method", "GET", ":method", "POST", ":path", "/", ":path", "/index.html"],
  ...[":scheme", "http", ":scheme", "https", ":status", "200", ":status", "204", ":status", "206", ":status", "304"],
  ...[":status", "400", ":status", "404", ":status", "500", "accept-charset", "", "accept-encoding", "gzip, deflate"],
];
/** The names of the rest. */
const NAMES =
  "accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control " +
  "content-disposition content-encoding content-language content-length content-location content-range content-type " +
  "cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since " +
  "last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after " +
  "server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate";

const all: readonly string[] = ["", "", ...FIELDS, ...NAMES.split(" ").flatMap((name) => [name, ""])];

/** Names by index; there is no index 0. */
export const STATIC_NAMES: readonly string[] = all.filter((_, i) => i % 2 === 0);
/** Values by index, empty where an entry is a name only. */
export const STATIC_VALUES: readonly string[] = all.filter((_, i) => i % 2 === 1);
