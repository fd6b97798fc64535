import { Hono } from "hono";
import type { SecretSources } from "../config/secrets.ts";
import { DEFAULT_MAX_BYTES } from "../config/decode.ts";
import type { Keyring } from "../config/keyring.ts";
import type { ServerCertificates } from "../gateway/server-certificates.ts";
import type { RouterName } from "../match/route.ts";
import { createCatalogue } from "../pipeline/catalogue.ts";
import type { Plugin } from "../pipeline/plugin.ts";
import { builtinPlugins } from "../plugins/index.ts";
import { type WritableSource, WriteError } from "../store/writable.ts";
import { AdminError, STORE_STATUS } from "./answer.ts";
import { catalogueEndpoints } from "./catalogue-endpoints.ts";
import { Checker } from "./check.ts";
import { loopbackHost } from "./control-guard.ts";
import { Editor } from "./editor.ts";
import type { Endpoint } from "./endpoint.ts";
import { type AdminKey, requireKey } from "./keys.ts";
import { openApi } from "./openapi.ts";
import { resourceEndpoints } from "./resource-endpoints.ts";
import { RESOURCE_TYPES } from "./resource-types.ts";
import { validateEndpoints } from "./validate-endpoints.ts";

/** What an Admin API is made of. */
export interface AdminOptions {
  readonly source: WritableSource;
  /** At least one. */
  readonly keys: readonly AdminKey[];
  readonly version: string;
  /** Whether it is bound to loopback: then it is asked by an address or by localhost alone, see {@link loopbackHost}. */
  readonly loopback: boolean;
  /** As the gateways that read the store have it. Default: `radixtree_host_uri`. */
  readonly router?: RouterName;
  /** Checks the certificates and keys of ssl resources. Default: they are stored as they are. */
  readonly certificates?: Pick<ServerCertificates, "inspect">;
  /** Plugins beside the built-in ones, as the gateways that read the store have them. */
  readonly plugins?: readonly Plugin[];
  /** Whether those gateways can connect to Redis. Default: false. */
  readonly redis?: boolean;
  /** How values are resolved before they are checked. Default: not, so that what needs it is refused. */
  readonly secrets?: SecretSources;
  /** Encrypts what APISIX keeps encrypted at rest. Default: nothing is encrypted. */
  readonly seal?: Keyring | undefined;
  /** Bytes of one resource. Default: 262144 (256 KiB). */
  readonly maxResourceBytes?: number;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

const BASE = "/apisix/admin";

/**
 * Apache APISIX's Admin API over a writable source. What a gateway would reject, or only warn of, is refused; what is written is
 * written only if nobody else wrote meanwhile.
 *
 * @throws TypeError where there is no key.
 * @example
 * ```ts
 * const source = memorySource();
 * const keys = [{ key: crypto.randomUUID(), role: "admin" }] as const;
 * const admin = createAdmin({ source, keys, version: "1", loopback: true });
 * await admin.request("/apisix/admin/routes/1", { method: "PUT", headers: { "x-api-key": keys[0].key }, body: route });
 * ```
 */
export function createAdmin(options: AdminOptions): Hono {
  const { source, router = "radixtree_host_uri", secrets = {} } = options;
  const catalogue = createCatalogue([...builtinPlugins, ...options.plugins ?? []], { redis: options.redis ?? false });
  const checker = new Checker({
    catalogue,
    router,
    certificates: options.certificates,
    secrets,
    seal: options.seal,
    maxBytes: options.maxResourceBytes ?? DEFAULT_MAX_BYTES,
  });
  const editor = new Editor(source, checker, options.now ?? Date.now);
  const endpoints: readonly Endpoint[] = [
    ...catalogueEndpoints(catalogue),
    ...validateEndpoints(checker),
    ...RESOURCE_TYPES.flatMap((type) => resourceEndpoints(type, { source, checker, editor })),
  ];

  const app = new Hono();
  if (options.loopback) app.use(loopbackHost());
  app.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
    c.header("x-api-version", "v3");
  });
  app.on("HEAD", BASE, (c) => c.body(null, 200));
  app.use(requireKey(options.keys));
  let document: Record<string, unknown> | undefined;
  app.get("/openapi.json", (c) => c.json(document ??= openApi(endpoints, BASE, options.version)));
  for (const { method, path, answer } of endpoints) app.on(method, BASE + path, answer);
  refuseOtherMethods(app, endpoints);

  app.notFound((c) => {
    const [, , , name = ""] = c.req.path.split("/");
    if (!c.req.path.startsWith(`${BASE}/`)) return c.json({ error_msg: "404 Route Not Found" }, 404);
    if (name === "stream_routes") {
      return c.json({ error_msg: "stream mode is disabled, can not add stream routes" }, 400);
    }
    if (RESOURCE_TYPES.some((type) => type.name === name)) return c.json({ error_msg: "not found" }, 404);
    return c.json({ error_msg: `Unsupported resource type: ${name.slice(0, 80)}` }, 404);
  });
  app.onError((error, c) => {
    if (error instanceof AdminError) return c.json(error.body, error.status);
    if (error instanceof WriteError) {
      return c.json({ error_msg: error.message, code: error.code }, STORE_STATUS[error.code]);
    }
    return c.json({ error_msg: "Internal Server Error" }, 500);
  });
  return app;
}

/** As APISIX: a method that a kind of resource does not take is not allowed, wherever it is sent. */
function refuseOtherMethods(app: Hono, endpoints: readonly Endpoint[]): void {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of endpoints) {
    const known = methods.get(path);
    if (known === undefined) methods.set(path, new Set([method]));
    else known.add(method);
  }
  for (const [path, known] of methods) {
    const type = RESOURCE_TYPES.find((each) => each.collection === path || each.item === path);
    app.all(BASE + path, (c) => {
      const { method } = c.req;
      c.header("allow", [...known].join(", "));
      if (type === undefined) return c.json({ error_msg: `${method} method is not allowed` }, 405);
      const supported = ["GET", "PUT", "DELETE", ...type.writes] as readonly string[];
      if (!supported.includes(method)) {
        return c.json({ error_msg: `not supported \`${method}\` method for ${type.label}` }, 405);
      }
      // Of a kind that takes the method, only with an id.
      const field = type.idField === "username" ? "username" : "id";
      return c.json({ error_msg: `missing ${type.label} ${field}` }, 400);
    });
  }
}
