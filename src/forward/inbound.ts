// Moved to net/; to be removed once nobody imports it from here.
export type * from "../net/inbound.ts";
