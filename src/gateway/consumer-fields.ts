import type { RawHeaders } from "../net/raw-headers.ts";
import type { ConsumerFacts } from "../pipeline/consumers.ts";

/** Fields that tell the upstream who was authenticated, in lower case. */
const NAMES: ReadonlySet<string> = new Set([
  "x-consumer-username",
  "x-credential-identifier",
  "x-consumer-custom-id",
]);

/** What the upstream is told of a consumer (APISIX `consumer.lua`, attach_consumer). */
export function consumerFields({ username, credentialId, labels }: ConsumerFacts): RawHeaders {
  const fields = ["X-Consumer-Username", username];
  if (credentialId !== undefined) fields.push("X-Credential-Identifier", credentialId);
  if (labels.custom_id !== undefined) fields.push("X-Consumer-Custom-ID", toFieldValue(labels.custom_id));
  return fields;
}

/** The names among a request's fields that an upstream could take for one of those, as written. */
export function consumerNames(headers: RawHeaders): string[] {
  return headers.filter((name, i) => i % 2 === 0 && isConsumerName(name));
}

/** A request's fields without those. */
export function withoutConsumer(headers: RawHeaders): string[] {
  return headers.filter((_, i) => !isConsumerName(headers[i - i % 2]!));
}

/**
 * With `_` for `-`, too: CGI and what came of it know no difference (RFC 3875 section 4.1.18).
 */
function isConsumerName(name: string): boolean {
  // All of them are that long; most names are not.
  return name.length >= 19 && name.length <= 23 && NAMES.has(name.toLowerCase().replaceAll("_", "-"));
}

/** A text as a field's value: one UTF-16 unit for each byte of its UTF-8. */
function toFieldValue(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
