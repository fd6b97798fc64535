/** The gateway inside a Hono application on Deno: `deno run -A examples/embed-deno.ts`. Routes come from etcd; what none matches falls through. */
import { createGateway } from "gatewatch";
import { etcdSource } from "gatewatch/etcd";
import { Hono } from "hono";

const gateway = createGateway({
  source: etcdSource({ endpoints: [Deno.env.get("ETCD") ?? "http://127.0.0.1:2379"], prefix: "/gatewatch" }),
});
await gateway.ready;

const app = new Hono().use(gateway.middleware).get("/health", (c) => c.text("ok"));
const server = Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.env.get("PORT") ?? 8080) }, app.fetch);

const stop = async (): Promise<void> => {
  Deno.removeSignalListener("SIGTERM", stop);
  await server.shutdown();
  await gateway.close(); // Nothing keeps the process alive any more.
};
Deno.addSignalListener("SIGTERM", stop);
