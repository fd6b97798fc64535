import { hostname } from "node:os";
import process from "node:process";
import type { Runtime } from "../runtimes/runtime.ts";
import type { Registration } from "../sources/etcd/register.ts";
import { VERSION } from "../version.ts";
import { etcdOptions } from "./open-source.ts";
import type { Settings } from "./settings.ts";

/** What this process is called among others: what the settings say, else the machine's name and the process's number. */
export function instanceId({ instanceId }: Settings): string {
  return instanceId ?? `${machineName() ?? "gatewatch"}-${process.pid}`;
}

/** What a registration tells of. */
export interface RegisteredParts {
  /** What it serves, and what became of the keys. */
  readonly status: () => {
    readonly revision: number | null;
    readonly keys: Readonly<Record<string, number>>;
  };
  /** Port of the control API. */
  readonly controlPort: number;
}

/** Registers this process in etcd where the settings do not say otherwise; a file of resources has no place for that. */
export async function register(
  settings: Settings,
  runtime: Runtime,
  { status, controlPort }: RegisteredParts,
): Promise<Registration | undefined> {
  if (settings.register === "off" || settings.resources !== undefined) return undefined;
  const { registerInstance } = await import("../sources/etcd/register.ts");
  const { host } = settings.control;
  const reached = host === "0.0.0.0" || host === "::" ? machineName() ?? host : host;
  const since = new Date().toISOString();
  return registerInstance({
    etcd: etcdOptions(settings, runtime),
    id: instanceId(settings),
    canary: settings.canary === "on",
    describe() {
      const { revision, keys: { active: _, ...others } } = status();
      return {
        version: VERSION,
        runtime: `${runtime.name} ${runtime.version}`,
        revision,
        rejected: Object.values(others).reduce((sum, count) => sum + count, 0),
        control: `${reached.includes(":") ? `[${reached}]` : reached}:${controlPort}`,
        since,
      };
    },
  });
}

/** Deno tells it only where that is allowed; then an id without it has to do. */
export function machineName(): string | undefined {
  try {
    return hostname().replace(/[^\w.-]/g, "-");
  } catch {
    return undefined;
  }
}
