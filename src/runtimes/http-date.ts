import { setTimeout } from "node:timers";

let date: string | undefined;

/** Now as a `Date` field has it, in whole seconds; made once in each. */
export function httpDate(): string {
  if (date !== undefined) return date;
  const now = new Date();
  setTimeout(() => date = undefined, 1000 - now.getMilliseconds()).unref();
  return date = now.toUTCString();
}
