/**
 * When each built-in plugin runs within its phase: higher numbers first. The numbers are Apache APISIX's (`priority` in `apisix/plugins/*.lua`), so that a
 * chain runs here in the order in which it runs there, and a plugin of one's own can be placed between two of them.
 */
export const PRIORITIES = {
  "request-id": 12015,
  "fault-injection": 11000,
  "cors": 4000,
  "ip-restriction": 3000,
  "basic-auth": 2520,
  "jwt-auth": 2510,
  "key-auth": 2500,
  "consumer-restriction": 2400,
  "proxy-rewrite": 1008,
  "limit-conn": 1003,
  "limit-count": 1002,
  "limit-req": 1001,
  "traffic-split": 966,
  "redirect": 900,
  "response-rewrite": 899,
  "prometheus": 500,
} as const;

/** The name of a plugin that every gateway has. */
export type BuiltinPlugin = keyof typeof PRIORITIES;
