import { createServer } from "node:net";
import process from "node:process";
import { getLogger } from "@logtape/logtape";
import { isLoopback } from "../../net/loopback.ts";
import { MetricsMerger } from "../../observe/merge-metrics.ts";
import type { Listen } from "../../runtimes/listener.ts";
import type { Runtime } from "../../runtimes/runtime.ts";
import type { Registration } from "../../sources/etcd/register.ts";
import { addressText, bind } from "../bind.ts";
import { EXIT } from "../command.ts";
import { CONTROL_LIMITS } from "../control-limits.ts";
import { instanceId, register } from "../instance.ts";
import { openAdmin } from "../open-admin.ts";
import { openTls } from "../open-tls.ts";
import { openSource } from "../open-source.ts";
import type { RunSettings } from "../run-settings.ts";
import type { Ending, EndingWatch } from "../shutdown.ts";
import { UsageError } from "../usage-error.ts";
import { askAll, createFleetControl, lowestRevision, parse, readMetrics, type WorkerStatus } from "./control.ts";
import { Fleet, WorkerFailed } from "./fleet.ts";
import { ownCommand } from "./own-command.ts";

const log = getLogger(["gatewatch", "workers"]);

/** Milliseconds between two looks at what is told to others: how far the workers are, and what they have counted. */
const LOOK_MS = 1000;

/**
 * Serves with several processes that share the ports: starts them, replaces those that crash, replaces all of them one by one at SIGHUP, and answers for them on
 * the control API and the Admin API.
 *
 * @returns The exit status.
 * @throws BindError, UsageError
 */
export async function supervise(settings: RunSettings, runtime: Runtime, endings: EndingWatch): Promise<number> {
  if (runtime.name === "node" && !canShare(process.versions.node)) {
    throw new UsageError([`--workers: Needs Node 22.12 or newer, is ${process.versions.node}`]);
  }
  for (const [flag, addresses] of [["--listen", settings.listen], ["--listen-tls", settings.listenTls]] as const) {
    if (!addresses.some(({ port }) => port === 0)) continue;
    throw new UsageError([`--workers: Needs a port in ${flag}: each worker would get another one for 0`]);
  }
  // Each worker reads the files as well; what is wrong with them is said once.
  (await openTls(settings, () => undefined))?.close();
  const command = await ownCommand();
  // The workers share their ports with whoever asks to share, so that somebody else's would go unnoticed.
  for (const address of [...settings.listen, ...settings.listenTls]) {
    await (await bind(probe, address, NOTHING)).close(0);
  }

  const metrics = new MetricsMerger();
  const fleet = new Fleet(settings.workers, command, ({ pid }) => metrics.end(pid));
  let draining = false;
  const started = new Date();
  const app = createFleetControl({
    fleet,
    metrics,
    draining: () => draining,
    loopback: isLoopback(settings.control.host),
    facts: () => ({
      id: instanceId(settings),
      startedAt: started.toISOString(),
      uptimeMs: Date.now() - started.getTime(),
    }),
  });
  const close: (() => unknown)[] = [];
  let up = false;
  process.on("SIGHUP", () => {
    // Those that start are as new as they could be.
    if (!up || draining) return;
    log.info("SIGHUP: replacing the workers, one after the other");
    void fleet.roll();
  });
  let statuses: readonly WorkerStatus[] = [];
  let registration: Registration | undefined;
  try {
    const control = await bind(runtime.listeners.http1, settings.control, {
      handler: (request) => app.fetch(request),
      limits: CONTROL_LIMITS,
    });
    close.push(() => control.close(0));
    log.info("Control API on http://{address}", { address: addressText(bound(control)) });
    close.push(await serveAdmin(settings, runtime));
    const ended = await Promise.race([fleet.start(), endings.first]);
    if (ended !== undefined) return await finish(ended);
    const looks = setInterval(() => {
      void askAll(fleet, "/status").then((asked) => statuses = asked.map(({ answer }) => parse(answer)));
      void readMetrics(fleet, metrics);
    }, LOOK_MS);
    close.push(() => clearInterval(looks));
    up = true;
    log.info("{workers} workers serve {addresses}", {
      workers: settings.workers,
      addresses: [
        ...settings.listen.map((address) => `http://${addressText(address)}`),
        ...settings.listenTls.map((address) => `https://${addressText(address)}`),
      ].join(", "),
    });
    registration = await register(settings, runtime, {
      status: () => ({
        revision: lowestRevision(statuses),
        keys: statuses.find(({ keys }) => keys !== undefined)?.keys ?? {},
      }),
      controlPort: control.address.port,
    });
    return await finish(await endings.first);
  } catch (error) {
    fleet.kill();
    if (!(error instanceof WorkerFailed)) throw error;
    log.error("{reason}", { reason: error.message });
    return error.status === 0 ? EXIT.failed : error.status;
  } finally {
    for (const each of close.reverse()) await each();
  }

  async function finish(ending: Ending): Promise<number> {
    draining = true;
    const deregistered = registration?.stop();
    if (ending.why === "error") {
      log.fatal("An error that nothing caught: {error}", { error: ending.error });
      fleet.kill();
      return EXIT.failed;
    }
    log.info("{signal}: workers finish requests in flight", { signal: ending.signal });
    const second = endings.second.then(() => {
      log.warn("A second signal: stopping at once");
      fleet.kill();
      return EXIT.interrupted;
    });
    const first = fleet.stop(settings.drainTimeout).then((clean) => clean ? EXIT.done : EXIT.failed);
    const status = await Promise.race([first, second]);
    await deregistered;
    log.info("Stopped");
    return status;
  }
}

/** @returns What ends it. */
async function serveAdmin(settings: RunSettings, runtime: Runtime): Promise<() => Promise<void>> {
  const source = await openSource(settings, runtime);
  const transport = await runtime.transports[settings.transport ?? runtime.defaults.transport]();
  const opened = await openAdmin(settings, runtime, source, transport);
  if (opened === undefined) {
    await transport.close();
    return () => Promise.resolve();
  }
  const admin = await bind(runtime.listeners.http1, settings.admin, {
    handler: (request) => opened.app.fetch(request),
    limits: { ...CONTROL_LIMITS, bodyBytes: 16 * 1024 * 1024 },
  });
  log.info("Admin API on http://{address}", { address: addressText(bound(admin)) });
  return async () => {
    await admin.close(0);
    opened.close();
    await transport.close();
  };
}

function bound({ address }: { readonly address: { readonly address: string; readonly port: number } }) {
  return { host: address.address, port: address.port };
}

const NOTHING = { handler: () => new Response(null), limits: CONTROL_LIMITS };

/** Binds an address without sharing it. */
const probe: Listen = ({ host, port }) => {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () =>
      resolve({
        name: "probe",
        address: { address: host, port },
        connections: () => 0,
        close: () => new Promise((done) => server.close(() => done(0))),
      }));
  });
};

/** Whether that version of Node can let processes share a port. */
function canShare(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 22 || major === 22 && minor >= 12;
}
