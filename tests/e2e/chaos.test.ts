// waits
// limit: 150
import { ok, strictEqual } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, createServer, get, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

/** Seconds of load once the checks have settled. `GATEWATCH_LONG=1` makes it what is asked of a release. */
const SECONDS = process.env["GATEWATCH_LONG"] === "1" ? 60 : 10;
const CLIENTS = 16;
/** Requests a second; a node that is down is not to be hammered, and the machine is to have time for all. */
const PAUSE_MS = 5;

/** What a node does to requests. */
type Mood = "well" | "hanging" | "resetting";

/** A node whose mood can be changed, and that can be killed. */
class Node {
  mood: Mood = "well";
  requests = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<Node> {
    const server = createServer((request, response) => {
      node.requests++;
      request.resume();
      if (node.mood === "hanging") return;
      if (node.mood === "resetting" && Math.random() < 0.5) {
        request.socket.resetAndDestroy?.();
        request.socket.destroy();
        return;
      }
      response.end("well");
    });
    const node: Node = new Node(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return node;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  kill(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Resolves to the status, or to what went wrong. */
function ask(url: string, agent: Agent): Promise<number | string> {
  return new Promise((resolve) => {
    get(url, { agent, timeout: 20_000 }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
      response.once("error", (error) => resolve(error.message));
      response.once("aborted", () => resolve("cut"));
    }).once("error", (error) => resolve(error.message)).once("timeout", () => resolve("no answer"));
  });
}

describe("an upstream of which a node is killed, one hangs and one resets at random", () => {
  let directory = "", gateway: GatewayProcess, nodes: Node[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-chaos-"));
    nodes = await Promise.all(Array.from({ length: 5 }, () => Node.start()));
    const upstream = {
      nodes: Object.fromEntries(nodes.map(({ port }) => [`127.0.0.1:${port}`, 1])),
      timeout: { connect: 1, send: 1, read: 1 },
      checks: {
        active: {
          type: "http",
          http_path: "/",
          timeout: 0.5,
          healthy: { interval: 1, successes: 2 },
          unhealthy: { interval: 1, http_failures: 1, tcp_failures: 1, timeouts: 1 },
        },
        passive: { healthy: { successes: 3 }, unhealthy: { http_failures: 1, tcp_failures: 1, timeouts: 1 } },
      },
    };
    const resources = join(directory, "resources.json");
    await writeFile(resources, JSON.stringify({ routes: [{ id: "1", uri: "/*", upstream }] }));
    gateway = await startGatewayProcess({ flags: ["--resources", resources] });
  });

  after(async () => {
    await gateway?.stop();
    for (const node of nodes) node.kill();
    await rm(directory, { recursive: true, force: true });
  });

  it("costs no client an error once the checks have settled", async () => {
    const agent = new Agent({ keepAlive: true });
    const results = new Map<number | string, number>();
    let counting = false, going = true;
    const client = async (): Promise<void> => {
      while (going) {
        const result = await ask(`${gateway.url}/`, agent);
        if (counting) results.set(result, (results.get(result) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    };
    const clients = Array.from({ length: CLIENTS }, client);
    nodes[0]!.kill();
    nodes[1]!.mood = "hanging";
    nodes[2]!.mood = "resetting";
    const unhealthy = async (): Promise<number> => {
      const { upstreams } = JSON.parse((await gateway.control("/upstreams")).body) as {
        upstreams: { nodes: { use: string }[] }[];
      };
      return upstreams[0]!.nodes.filter(({ use }) => use !== "open").length;
    };
    await until(async () => (await unhealthy()) >= 2, {
      limit: 15_000,
      every: 100,
      what: "the checks find two nodes down",
    });
    counting = true;
    const started = performance.now();
    await until(() => performance.now() - started > SECONDS * 1000, {
      limit: SECONDS * 1000 + 5000,
      every: 100,
      what: `${SECONDS} s of load`,
    });
    counting = false;
    going = false;
    await Promise.all(clients);
    agent.destroy();
    const good = results.get(200) ?? 0;
    const bad = [...results].filter(([result]) => result !== 200);
    console.log(
      `chaos: ${good} requests answered in ${SECONDS} s, errors: ${JSON.stringify(bad)}; at the nodes: ${
        nodes.map(({ requests }) => requests).join(" ")
      }`,
    );
    ok(good > 100, `only ${good} requests were answered`);
    strictEqual(JSON.stringify(bad), "[]");
  });
});
