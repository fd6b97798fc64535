import type { InlineUpstream } from "../config/upstream.ts";

/** The value of an nginx variable of the request. */
export type Variable = (name: string) => string | undefined;

/** Finds a request's hash key; undefined only where the request has no client address either. */
export type HashKey = (variable: Variable) => string | undefined;

/**
 * Compiles `hash_on` and `key` (APISIX `balancer/chash.lua`). An absent or empty value falls back to the client's address.
 *
 * | hash_on | key | variable |
 * |---|---|---|
 * | vars | `uri`, `arg_x`... | itself |
 * | header | `X-Device` | `http_x_device` |
 * | cookie | `sid` | `cookie_sid` |
 * | consumer | | `consumer_name` |
 * | vars_combinations | `$host-${arg_x}` | each in its place; what is absent is empty |
 */
export function compileHashKey(settings: Pick<InlineUpstream, "hash_on" | "key">): HashKey {
  const value = compileValue(settings);
  return (variable) => value(variable) || variable("remote_addr");
}

function compileValue({ hash_on: on = "vars", key = "" }: Pick<InlineUpstream, "hash_on" | "key">): HashKey {
  switch (on) {
    case "consumer":
      return (variable) => variable("consumer_name");
    case "header": {
      const name = `http_${key.toLowerCase().replaceAll("-", "_")}`;
      return (variable) => variable(name);
    }
    case "cookie": {
      const name = `cookie_${key}`;
      return (variable) => variable(name);
    }
    case "vars_combinations":
      return compileCombination(key);
    default:
      return (variable) => variable(key);
  }
}

/** `$name` and `${name}` stand for variables. Where none of them has a value, neither has the whole. */
function compileCombination(template: string): HashKey {
  const names: string[] = [], texts: string[] = [];
  let end = 0;
  for (const match of template.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)) {
    names.push(match[1] ?? match[2]!);
    texts.push(template.slice(end, match.index));
    end = match.index + match[0].length;
  }
  const rest = template.slice(end);
  return (variable) => {
    let value = "", found = false;
    for (let i = 0; i < names.length; i++) {
      const part = variable(names[i]!) ?? "";
      found ||= part !== "";
      value += texts[i]! + part;
    }
    return found ? value + rest : undefined;
  };
}
