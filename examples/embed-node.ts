/**
 * The gateway inside a Hono application on Node: `node examples/embed-node.ts`, after `npm run build`. Routes come from etcd; what none
 * matches falls through.
 */
import { serve } from "@hono/node-server";
import { createGateway } from "gatewatch";
import { etcdSource } from "gatewatch/etcd";
import { Hono } from "hono";
import process from "node:process";

const gateway = createGateway({
  source: etcdSource({ endpoints: [process.env["ETCD"] ?? "http://127.0.0.1:2379"], prefix: "/gatewatch" }),
});
await gateway.ready;

const app = new Hono().use(gateway.middleware).get("/health", (c) => c.text("ok"));
const server = serve(
  { fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080) },
  (address) => {
    console.log(`listening on http://127.0.0.1:${address.port}/`);
  },
);

process.once("SIGTERM", () => {
  server.close(() => void gateway.close()); // Nothing keeps the process alive any more.
});
