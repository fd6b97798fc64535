import { parseForm } from "../match/form.ts";

/** All values of one argument of a target's query, decoded, in order; `true` for one without `=`. */
export function queryValues(target: string, name: string): (string | true)[] {
  const values: (string | true)[] = [];
  for (const pair of pairsOf(target)) {
    const value = parseForm(pair).get(name);
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** A target without an argument of its query, however often and however escaped it stands there; everything else stays byte for byte. */
export function withoutArgument(target: string, name: string): string {
  const start = target.indexOf("?");
  if (start < 0) return target;
  const pairs = pairsOf(target);
  const rest = pairs.filter((pair) => !parseForm(pair).has(name));
  if (rest.length === pairs.length) return target;
  const path = target.slice(0, start);
  return rest.length === 0 ? path : `${path}?${rest.join("&")}`;
}

function pairsOf(target: string): string[] {
  const start = target.indexOf("?");
  return start < 0 ? [] : target.slice(start + 1).split("&");
}
