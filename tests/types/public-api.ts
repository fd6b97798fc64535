/** Types of the public API as its users see them; the compiler is the test, and nothing here runs. */
import { Hono } from "hono";
import * as v from "valibot";
import {
  type ConfigSource,
  createGateway,
  type Gateway,
  type GatewayExplanation,
  type GatewayStatus,
  type KeyStatus,
  memorySource,
} from "gatewatch";
import { fileSource } from "gatewatch/file";
import { etcdSource } from "gatewatch/etcd";
import { definePlugin, type Plugin } from "gatewatch/plugin";

/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(_proof?: T): void => {};

const source: ConfigSource = memorySource({ "routes/1": { uri: "/*", upstream: { nodes: { "127.0.0.1:80": 1 } } } });
const gateway: Gateway = createGateway({ source });
holds<Same<Awaited<Gateway["ready"]>, void>>();
holds<Same<ReturnType<Gateway["status"]>, GatewayStatus>>();
holds<Same<ReturnType<Gateway["keys"]>, KeyStatus[]>>();
holds<Same<ReturnType<Gateway["explain"]>, Promise<GatewayExplanation>>>();

// It is mounted as any middleware, and serves as any fetch handler.
export const app: Hono = new Hono().use(gateway.middleware);
export const handler: (request: Request) => Response | Promise<Response> = gateway.fetch;

// Every source is one.
export const sources: readonly ConfigSource[] = [
  fileSource("resources.yaml"),
  etcdSource({ endpoints: ["http://127.0.0.1:2379"], prefix: "/gatewatch" }),
];

// A plugin's configuration has the type that its schema says, defaults filled in.
export const plugin: Plugin = definePlugin({
  name: "geo-header",
  priority: 1500,
  schema: v.object({ header: v.optional(v.string(), "x-geo") }),
  create: (config) => {
    holds<Same<typeof config.header, string>>();
    return async (c, next) => {
      c.var.upstream.headers.set(config.header, c.var.exchange.address);
      await next();
    };
  },
});

// @ts-expect-error: a source is needed.
createGateway({});
// @ts-expect-error: no such router.
createGateway({ source, router: "radixtree" });
