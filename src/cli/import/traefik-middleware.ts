import { type Fields, isFields } from "../resources/value.ts";
import { textOf, textsOf } from "./resources.ts";

/** What a middleware becomes: plugins of the route, or nothing with the reason. */
export type Plugins = { readonly plugins: Fields } | { readonly reason: string };

const escape = (text: string): string => text.replace(/[.*+?^${}()[\]\\|]/g, "\\$&");

/** The counterpart of one of Traefik's middlewares. */
export function toPlugins(type: string, config: Fields): Plugins {
  switch (type) {
    case "stripPrefix": {
      const prefixes = textsOf(config.prefixes).map((prefix) => escape(prefix.replace(/\/+$/, "")));
      return rewrite(`^(?:${prefixes.join("|")})/?(.*)$`, "/$1");
    }
    case "stripPrefixRegex":
      return rewrite(`^(?:${textsOf(config.regex).join("|")})/?(.*)$`, "/$1");
    case "addPrefix":
      return rewrite("^(.*)$", `${textOf(config.prefix) ?? ""}$1`);
    case "replacePath":
      return { plugins: { "proxy-rewrite": { uri: textOf(config.path) ?? "/" } } };
    case "replacePathRegex":
      return rewrite(textOf(config.regex) ?? "", (textOf(config.replacement) ?? "").replace(/\$\{(\d)\}/g, "$$$1"));
    case "redirectScheme":
      if (config.scheme !== "https") return { reason: "only a redirect to https has one" };
      return { plugins: { redirect: { http_to_https: true } } };
    case "ipAllowList":
    case "ipWhiteList":
      if (config.ipStrategy !== undefined) return { reason: "with ipStrategy it has none: use --trusted-proxies" };
      return { plugins: { "ip-restriction": { whitelist: textsOf(config.sourceRange) } } };
    case "inFlightReq":
      return {
        plugins: {
          "limit-conn": {
            conn: config.amount,
            burst: 0,
            default_conn_delay: 0.1,
            key: "remote_addr",
            rejected_code: 429,
          },
        },
      };
    case "rateLimit": {
      const seconds = toSeconds(config.period);
      if (seconds === undefined || typeof config.average !== "number") return { reason: "its numbers cannot be read" };
      if (config.average === 0) return { reason: "an average of 0 limits nothing" };
      const burst = typeof config.burst === "number" ? config.burst : 1;
      const rate = config.average / seconds;
      return { plugins: { "limit-req": { rate, burst, key: "remote_addr", nodelay: true, rejected_code: 429 } } };
    }
    case "headers":
      return headers(config);
    default:
      return { reason: "it has none" };
  }
}

function rewrite(pattern: string, replacement: string): Plugins {
  return { plugins: { "proxy-rewrite": { regex_uri: [pattern, replacement] } } };
}

function headers(config: Fields): Plugins {
  const { customRequestHeaders, customResponseHeaders, ...rest } = config;
  const other = Object.keys(rest);
  if (other.length > 0) return { reason: `${other.join(", ")} have none` };
  const change = (fields: unknown): Fields => {
    const all = isFields(fields) ? Object.entries(fields) : [];
    // Traefik takes a field away by an empty value.
    const set = all.filter(([, value]) => value !== "");
    const remove = all.filter(([, value]) => value === "").map(([name]) => name);
    return {
      headers: {
        ...(set.length > 0 ? { set: Object.fromEntries(set) } : {}),
        ...(remove.length > 0 ? { remove } : {}),
      },
    };
  };
  return {
    plugins: {
      ...(customRequestHeaders === undefined ? {} : { "proxy-rewrite": change(customRequestHeaders) }),
      ...(customResponseHeaders === undefined ? {} : { "response-rewrite": change(customResponseHeaders) }),
    },
  };
}

function toSeconds(period: unknown): number | undefined {
  if (period === undefined) return 1;
  if (typeof period === "number") return period > 0 ? period : undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(period));
  if (match === null) return undefined;
  const unit = { ms: 0.001, s: 1, m: 60, h: 3600 }[match[2]!] ?? 1;
  return Number(match[1]) * unit || undefined;
}
