import type { RunSettings } from "../run-settings.ts";

/**
 * The variable by which a supervisor tells a process that it is a worker, and which port its control API is to have. No
 * setting, and not for users. It begins as the settings do, so that Deno's `--allow-env=GATEWATCH_*` covers it, and ends
 * as Kubernetes names what it sets itself (`tcp://10.0.0.1:80`, no bare number), which no check of unknown settings minds.
 */
const VARIABLE = "GATEWATCH_WORKER_PORT";

/** What the environment of a worker has beside its supervisor's. */
export function workerEnvironment(controlPort: number): Readonly<Record<string, string>> {
  return { [VARIABLE]: String(controlPort) };
}

/** The port of its control API where this process is a worker. */
export function workerPort(environment: Readonly<Record<string, string | undefined>>): number | undefined {
  const text = environment[VARIABLE];
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

/** What of the settings is a worker's: the supervisor alone is asked, writes, and is registered. */
export function workerSettings(settings: RunSettings, controlPort: number): RunSettings {
  return {
    ...settings,
    control: { host: "127.0.0.1", port: controlPort },
    adminKey: undefined,
    adminViewerKey: undefined,
    register: "off",
    warnings: [],
  };
}
