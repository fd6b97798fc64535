import process from "node:process";
import { getLogger } from "@logtape/logtape";
import { configureLogging } from "../observe/logging.ts";
import { VERSION } from "../version.ts";
import { BindError } from "./bind.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { createLineWriter } from "./output.ts";
import { loadRunSettings, type RunSettings } from "./run-settings.ts";
import { type Ending, watchEndings } from "./shutdown.ts";
import { type StartedGateway, startGateway } from "./started-gateway.ts";
import { UsageError } from "./usage-error.ts";
import { workerPort, workerSettings } from "./workers/worker-settings.ts";

const log = getLogger(["gatewatch", "run"]);

/**
 * `gatewatch run`: serves until a signal, then drains. 0 after a signal, 1 where it could not start or met an error that nothing caught, 130
 * where a second signal cut the draining short.
 */
export async function run({ flags, environment, runtime }: CommandInput): Promise<number> {
  const controlPort = workerPort(environment);
  const worker = controlPort !== undefined;
  const given = await loadRunSettings(flags, environment);
  const settings = worker ? workerSettings(given, controlPort) : given;
  const flushLog = startLog(settings);
  const endings = watchEndings(worker ? process.stdin : undefined);
  try {
    if (!worker) {
      log.info("gatewatch {version} on {runtime}", { version: VERSION, runtime: `${runtime.name} ${runtime.version}` });
    }
    for (const warning of settings.warnings) log.warn("{warning}", { warning });
    if (!worker && settings.workers > 1) {
      const { supervise } = await import("./workers/supervise.ts");
      return await supervise(settings, runtime, endings);
    }
    const gateway = await Promise.race([startGateway(settings, runtime, { worker }), endings.first]);
    // Ended while it was starting: nothing is served yet that would have to be finished.
    if ("why" in gateway) return gateway.why === "error" ? failed(gateway.error) : EXIT.done;
    const ending = await endings.first;
    return await Promise.race([finish(ending, gateway, settings.drainTimeout), endings.second.then(cutShort)]);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (!(error instanceof BindError)) return failed(error);
    log.error("{reason}", { reason: error.message });
    return EXIT.failed;
  } finally {
    await flushLog();
  }
}

async function finish(ending: Ending, gateway: StartedGateway, drainMs: number): Promise<number> {
  if (ending.why === "error") return failed(ending.error);
  log.info("{signal}: no longer accepting, finishing requests in flight", { signal: ending.signal });
  const cut = await gateway.stop(drainMs);
  if (cut > 0) log.warn("Stopped; {cut} requests were still in flight after {drainMs} ms", { cut, drainMs });
  else log.info("Stopped");
  return EXIT.done;
}

function cutShort(ending: Ending): number {
  if (ending.why === "error") return failed(ending.error);
  log.warn("{signal} again: stopping at once", { signal: ending.signal });
  return EXIT.interrupted;
}

/** An error that nothing caught leaves the process in a state that nobody knows: it ends, and whoever runs it starts it again. */
function failed(error: unknown): number {
  log.fatal("An error that nothing caught: {error}", { error });
  return EXIT.failed;
}

/** @returns What to call before the process ends. */
function startLog(settings: RunSettings): () => Promise<unknown> {
  const log = createLineWriter(process.stderr), access = createLineWriter(process.stdout);
  const terminal = process.stderr.isTTY === true;
  configureLogging({
    level: settings.logLevel,
    format: settings.logFormat ?? (terminal ? "text" : "json"),
    coloured: terminal && (process.env.NO_COLOR ?? "") === "",
    write: log.write,
    writeAccess: access.write,
    secrets: [settings.etcdPassword, settings.adminKey, ...settings.keyring].filter((secret) => secret !== undefined),
  });
  return () => Promise.all([log.flush(), access.flush()]);
}
