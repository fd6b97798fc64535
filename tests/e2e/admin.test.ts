import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, freePorts, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";

const KEY = "an-admin-key-of-tests";
const VIEWER = "a-viewer-key-of-tests";

/** The Admin API and the control API of a process, over sockets. */
function client(admin: number, control: number) {
  return {
    async call(method: string, path: string, body?: unknown, key = KEY) {
      const response = await fetch(`http://127.0.0.1:${admin}/apisix/admin${path}`, {
        method,
        headers: { "x-api-key": key },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const value = JSON.parse(await response.text());
      return { status: response.status, revision: response.headers.get("x-gatewatch-revision"), body: value };
    },
    async served(revision: string | null, timeout = "5s") {
      const response = await fetch(`http://127.0.0.1:${control}/wait?revision=${revision}&timeout=${timeout}`);
      await response.body?.cancel();
      return response.status;
    },
  };
}

describe("the Admin API of a gateway over etcd", () => {
  let etcd: EtcdServer, origin: Origin, gateway: GatewayProcess, api: ReturnType<typeof client>;
  before(async () => {
    [etcd, origin] = await Promise.all([startEtcd(), startOrigin()]);
    const [port = 0] = await freePorts(1);
    gateway = await startGatewayProcess({
      flags: ["--etcd", etcd.url, "--prefix", "/apisix", "--admin", `127.0.0.1:${port}`],
      environment: { GATEWATCH_ADMIN_KEY: KEY, GATEWATCH_ADMIN_VIEWER_KEY: VIEWER },
    });
    api = client(port, gateway.controlPort);
  });
  after(async () => {
    await gateway?.stop();
    await origin?.close();
    await etcd?.close();
  });
  const upstream = () => ({ type: "roundrobin", nodes: { [`127.0.0.1:${origin.port}`]: 1 } });

  it("writes a route that is served as soon as its revision is", async () => {
    const made = await api.call("PUT", "/routes/1", { uri: "/made", upstream: upstream() });
    assert.equal(made.status, 201);
    assert.equal(made.body.key, "/apisix/routes/1");
    assert.equal(await api.served(made.revision), 200);
    assert.equal((await gateway.get("/made")).status, 200);
    const patched = await api.call("PATCH", "/routes/1", { uri: "/patched" });
    assert.equal(await api.served(patched.revision), 200);
    assert.equal((await gateway.get("/made")).status, 404);
    assert.equal((await gateway.get("/patched")).status, 200);
    const gone = await api.call("DELETE", "/routes/1");
    assert.equal(await api.served(gone.revision), 200);
    assert.equal((await gateway.get("/patched")).status, 404);
  });

  it("waits for a revision that never comes only so long", async () => {
    assert.equal(await api.served("999999999", "100ms"), 504);
  });

  it("stores what APISIX would, at its keys", async () => {
    const made = await api.call("PUT", "/consumers", {
      username: "jack",
      plugins: { "key-auth": { key: "auth-one" } },
    });
    assert.equal(made.status, 201);
    const stored = JSON.parse((await etcd.all("/apisix/")).get("/apisix/consumers/jack")!);
    assert.equal(stored.username, "jack");
    assert.match(stored.plugins["key-auth"].key, /^[A-Za-z0-9+/]{22}==$/);
    await api.call("PUT", "/routes/2", { uri: "/keyed", upstream: upstream(), plugins: { "key-auth": {} } });
    const credential = await api.call("PUT", "/consumers/jack/credentials/c1", {
      plugins: { "key-auth": { key: "auth-two" } },
    });
    assert.equal(await api.served(credential.revision), 200);
    const ask = async (key: string) => (await gateway.get("/keyed", { apikey: key })).status;
    assert.deepEqual([await ask("auth-one"), await ask("auth-two"), await ask("auth-three")], [200, 200, 401]);
  });

  it("ends a route after its time to live", async () => {
    const made = await api.call("PUT", "/routes/short?ttl=1", { uri: "/short", upstream: upstream() });
    assert.equal(made.status, 201);
    const deadline = performance.now() + 10_000;
    while ((await api.call("GET", "/routes/short")).status !== 404) assert.ok(performance.now() < deadline);
  });

  it("lets a viewer read, and nobody else anything", async () => {
    assert.equal((await api.call("GET", "/routes", undefined, VIEWER)).status, 200);
    assert.equal((await api.call("DELETE", "/routes/2", undefined, VIEWER)).status, 401);
    assert.equal((await api.call("GET", "/routes", undefined, "nonsense")).status, 401);
  });
});

describe("the Admin API of a gateway over a resources file", () => {
  let folder: string, path: string, gateway: GatewayProcess, api: ReturnType<typeof client>, origin: Origin;
  before(async () => {
    origin = await startOrigin();
    folder = await mkdtemp(join(tmpdir(), "gatewatch-admin-"));
    path = join(folder, "resources.yaml");
    await writeFile(
      path,
      `# Ours.\nroutes:\n  # The first one.\n  - id: first\n    uri: /first # for now\n    upstream:\n      nodes:\n        "127.0.0.1:${origin.port}": 1\n#END\n`,
    );
    const [port = 0] = await freePorts(1);
    gateway = await startGatewayProcess({
      flags: ["--resources", path, "--admin", `127.0.0.1:${port}`],
      environment: { GATEWATCH_ADMIN_KEY: KEY },
    });
    api = client(port, gateway.controlPort);
  });
  after(async () => {
    await gateway?.stop();
    await origin?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("changes the file and keeps its comments and its order", async () => {
    const patched = await api.call("PATCH", "/routes/first", { uri: "/1st" });
    assert.equal(patched.status, 200);
    assert.equal(await api.served(patched.revision), 200);
    assert.equal((await gateway.get("/1st")).status, 200);
    const text = await readFile(path, "utf8");
    assert.match(text, /^# Ours\.\nroutes:\n {2}# The first one\.\n {2}- id: first\n {4}uri: \/1st # for now\n/);
    assert.match(text, /\n#END\n$/);
  });

  it("sees an edit by hand at once, and writes on top of it", async () => {
    await writeFile(path, (await readFile(path, "utf8")).replace("/1st", "/by-hand"));
    assert.equal((await api.call("GET", "/routes/first")).body.value.uri, "/by-hand");
    const { body } = await api.call("PATCH", "/routes/first", { desc: "by the API" });
    assert.deepEqual([body.value.uri, body.value.desc], ["/by-hand", "by the API"]);
  });

  it("refuses a time to live", async () => {
    assert.equal((await api.call("PUT", "/routes/x?ttl=5", { uri: "/x", plugins: {} })).status, 400);
  });
});

describe("a gateway without a key for the Admin API", () => {
  it("does not serve it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gatewatch-admin-"));
    await writeFile(join(folder, "resources.yaml"), "routes: []\n");
    const [port = 0] = await freePorts(1);
    const gateway = await startGatewayProcess({
      flags: ["--resources", join(folder, "resources.yaml"), "--admin", `127.0.0.1:${port}`],
    });
    try {
      await assert.rejects(fetch(`http://127.0.0.1:${port}/apisix/admin/routes`));
    } finally {
      await gateway.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
