// Moved to net/; to be removed once nobody imports it from here.
export type { RawHeaders } from "../net/raw-headers.ts";
