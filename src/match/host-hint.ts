import { isAlmost } from "./spelling.ts";

/** Why a host that looks like a configured one does not fit it, in words; undefined where it does not look like it. */
export function hostHint(configured: string, host: string): string | undefined {
  if (host === "") return undefined;
  if (configured.startsWith("*.")) {
    if (configured.slice(2) === host) return "takes the hosts below it, not the host itself";
  } else {
    if (host.endsWith(`.${configured}`)) return `is below it, which *.${configured} would take`;
    if (configured.endsWith(`.${host}`)) return "is the host above it";
  }
  return isAlmost(configured, host) ? "is spelled almost so" : undefined;
}
