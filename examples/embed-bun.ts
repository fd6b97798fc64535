/** The gateway inside a Hono application on Bun: `bun examples/embed-bun.ts`. Routes come from etcd; what none matches falls through. */
import { createGateway } from "gatewatch";
import { etcdSource } from "gatewatch/etcd";
import { Hono } from "hono";

const gateway = createGateway({
  source: etcdSource({ endpoints: [Bun.env["ETCD"] ?? "http://127.0.0.1:2379"], prefix: "/gatewatch" }),
});
await gateway.ready;

const app = new Hono().use(gateway.middleware).get("/health", (c) => c.text("ok"));
const server = Bun.serve({ hostname: "127.0.0.1", port: Number(Bun.env["PORT"] ?? 8080), fetch: app.fetch });
console.log(`listening on ${server.url}`);

process.once("SIGTERM", async () => {
  await server.stop();
  await gateway.close(); // Nothing keeps the process alive any more.
});
