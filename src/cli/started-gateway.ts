import { getLogger } from "@logtape/logtape";
import { createControl } from "../admin/control.ts";
import { createAccessLog } from "../observe/access-log.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { isLoopback } from "../net/loopback.ts";
import { answerMetrics } from "../observe/metrics.ts";
import type { Listener, ListenerHandler, ListenerLimits } from "../runtimes/listener.ts";
import { observeSource } from "../observe/propagation.ts";
import type { Registration } from "../sources/etcd/register.ts";
import type { Runtime } from "../runtimes/runtime.ts";
import { VERSION } from "../version.ts";
import { addressText, bind } from "./bind.ts";
import { CONTROL_LIMITS } from "./control-limits.ts";
import { openAdmin } from "./open-admin.ts";
import { instanceId, machineName, register } from "./instance.ts";
import { openGateway } from "./open-gateway.ts";
import { openTls } from "./open-tls.ts";
import { openSource } from "./open-source.ts";
import { isGuarded, protectedSource } from "./protected-source.ts";
import type { RunSettings } from "./run-settings.ts";
import { UsageError } from "./usage-error.ts";

/** A gateway that serves. */
export interface StartedGateway {
  /**
   * No longer ready, stops accepting, waits for requests in flight, then lets go of everything.
   *
   * @param drainMs How long to wait for requests in flight.
   * @returns The number of requests that were cut.
   */
  stop(drainMs: number): Promise<number>;
}

const log = getLogger(["gatewatch", "run"]);

/**
 * Starts what the settings ask for: the source and the gateway over it, then the control API, so that the process can be asked how it is while
 * the rest comes up, the Admin API where there is a key for it, then the addresses that serve requests. Where one step fails, what the steps before it started is
 * stopped again.
 *
 * @param options.worker Whether it is one of several processes that share their ports.
 * @throws BindError, UsageError
 */
export async function startGateway(
  settings: RunSettings,
  runtime: Runtime,
  { worker = false }: { readonly worker?: boolean } = {},
): Promise<StartedGateway> {
  const listen = runtime.listeners[settings.listener];
  if (listen === undefined) throw new UsageError([`--listener: ${runtime.name} has no native listener: use http1`]);
  const source = await openSource(settings, runtime);
  const guarded = protectedSource(source, settings);
  const observed = observeSource(guarded);
  let find: Gateway["certificate"] = () => undefined;
  const tls = await openTls(settings, (serverName) => find(serverName));
  const transport = await runtime.transports[settings.transport ?? runtime.defaults.transport]();

  const gateway = await openGateway(settings, {
    source: observed.source,
    transport,
    ...(tls === undefined ? {} : { certificates: tls.terminator.certificates }),
    ...(settings.accessLog === "off" ? {} : { onAnswer: createAccessLog(settings.accessLog) }),
  });

  find = gateway.certificate;

  // What its supervisor says for all is said once.
  const tell = worker ? log.debug.bind(log) : log.info.bind(log);
  let draining = false, serving = false;
  const listeners: Listener[] = [];
  let control: Listener | undefined;
  let admin: Listener | undefined;
  let closeAdmin: () => void = () => undefined;
  let registration: Registration | undefined;
  const stop = async (drainMs: number) => {
    draining = true;
    // At once, so that nobody waits for this instance any more.
    const deregistered = registration?.stop();
    await admin?.close(drainMs);
    closeAdmin();
    const cut = await Promise.all(listeners.map((listener) => listener.close(drainMs)));
    tls?.close();
    await gateway.close();
    await transport.close();
    await deregistered;
    await control?.close(0);
    return cut.reduce((sum, each) => sum + each, 0);
  };

  const connections = () => listeners.reduce((sum, listener) => sum + listener.connections(), 0);

  try {
    const app = createControl({
      gateway,
      version: VERSION,
      runtime: { name: runtime.name, version: runtime.version },
      draining: () => draining,
      loopback: isLoopback(settings.control.host),
      metrics: () =>
        answerMetrics({
          gateway,
          prefix: source.prefix,
          hostname: machineName() ?? "unknown",
          version: VERSION,
          connections,
          *more() {
            yield* observed.metrics();
            if (tls !== undefined) yield tls.terminator.refusals.write();
          },
        }),
      ...(isGuarded(guarded) ? { deletes: guarded } : {}),
      facts: () => ({
        id: instanceId(settings),
        serving,
        listening: listeners.map(({ name, address, connections, secure }) => ({
          address: addressText({ host: address.address, port: address.port }),
          listener: name,
          ...(secure === true ? { tls: true } : {}),
          connections: connections(),
        })),
      }),
    });
    control = await bind(runtime.listeners.http1, settings.control, {
      handler: (request) => app.fetch(request),
      limits: CONTROL_LIMITS,
    });
    tell("Control API on http://{address}", { address: boundText(control) });

    const opened = await openAdmin(settings, runtime, source, transport);
    if (opened !== undefined) {
      closeAdmin = opened.close;
      admin = await bind(runtime.listeners.http1, settings.admin, {
        handler: (request) => opened.app.fetch(request),
        // The Admin API says itself what is too large, in APISIX's words.
        limits: { ...CONTROL_LIMITS, bodyBytes: 16 * 1024 * 1024 },
      });
      log.info("Admin API on http://{address}", { address: boundText(admin) });
    }

    const handler: ListenerHandler = (request, inbound) => gateway.fetch(request, { inbound });
    const options = { handler, limits: limitsOf(settings), reusePort: worker, http2: settings.http2 === "on" };
    for (const address of settings.listen) {
      const listener = await bind(listen, address, options);
      listeners.push(listener);
      tell("Serving on http://{address}", { address: boundText(listener), listener: listener.name });
    }
    if (tls !== undefined) {
      for (const address of settings.listenTls) {
        const listener = await bind(runtime.listeners.http1, address, { ...options, tls: tls.terminator });
        listeners.push(listener);
        tell("Serving on https://{address}", { address: boundText(listener), listener: listener.name });
      }
    }
    serving = true;
    registration = await register(settings, runtime, {
      status: () => ({ revision: observed.revision(), keys: gateway.status().keys }),
      controlPort: control.address.port,
    });
  } catch (error) {
    await stop(0);
    throw error;
  }
  return { stop };
}

function boundText({ address }: Listener): string {
  return addressText({ host: address.address, port: address.port });
}

function limitsOf(settings: RunSettings): ListenerLimits {
  return {
    headerBytes: settings.maxHeaderSize,
    headerCount: settings.maxHeaders,
    bodyBytes: settings.maxBodySize,
    headerTimeout: settings.headerTimeout,
    bodyTimeout: settings.bodyTimeout,
    idleTimeout: settings.idleTimeout,
    connections: settings.maxConnections,
  };
}
