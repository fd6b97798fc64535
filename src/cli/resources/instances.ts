import { parseKey } from "../../config/key.ts";
import type { WritableSource } from "../../store/writable.ts";
import { askControl } from "../control-client.ts";
import { decodeValue, isFields } from "./value.ts";

/** Where instances register themselves, each under a lease: `<prefix>/_instances/<id>`. */
export const INSTANCES = "_instances/";

/** One instance, as it says of itself. */
export interface Instance {
  readonly id: string;
  readonly version: string;
  /** As in `deno 2.9.6`. */
  readonly runtime: string;
  /** The revision that it serves; `null` before the first. */
  readonly revision: number | null;
  /** Keys that it does not serve as they are stored. */
  readonly rejected: number;
  /** Its control API's address, where others can reach it. */
  readonly control: string | undefined;
  /** ISO 8601. */
  readonly since: string | undefined;
  /** Why what it serves may be out of date; undefined where it is not, or where only its record was read. */
  readonly degraded: string | undefined;
  /** Why it cannot be asked; then the rest is not known. */
  readonly problem: string | undefined;
}

/** Instances, and the last revision that concerns them. */
export interface Fleet {
  readonly instances: readonly Instance[];
  /** The highest revision among the keys that gateways read; `undefined` where only the instances themselves were asked. */
  readonly latest: number | undefined;
}

/** Instances that registered themselves. @throws WriteError */
export async function registeredInstances(target: WritableSource): Promise<Fleet> {
  const { entries } = await target.list("");
  const instances: Instance[] = [];
  let latest = 0;
  for (const { key, value: bytes, modRevision } of entries) {
    if (key.startsWith(INSTANCES)) {
      const fields = decodeValue(bytes)?.value;
      if (isFields(fields)) instances.push(toInstance(key.slice(INSTANCES.length), fields));
    } else if (parseKey(key, bytes) !== "ignored") latest = Math.max(latest, modRevision);
  }
  return { instances, latest };
}

/** Instances by the addresses of their control APIs. It never throws: who does not answer is told as such. */
export async function askedInstances(urls: readonly string[]): Promise<Fleet> {
  return { instances: await Promise.all(urls.map(askInstance)), latest: undefined };
}

async function askInstance(url: string): Promise<Instance> {
  try {
    const { status, body } = await askControl(`${url}/status`);
    if (status !== 200) throw new Error(`it answered ${status}`);
    const fields = JSON.parse(body) as Record<string, unknown>;
    const { rejected, startedAt } = fields;
    return toInstance(url, {
      ...fields,
      id: typeof fields.id === "string" ? fields.id : url,
      control: url,
      since: startedAt,
      rejected: isFields(rejected) ? rejected.total : 0,
    });
  } catch (error) {
    return {
      id: url,
      version: "",
      runtime: "",
      revision: null,
      rejected: 0,
      control: url,
      since: undefined,
      degraded: undefined,
      problem: `cannot be asked: ${(error as Error).message}`,
    };
  }
}

function toInstance(name: string, fields: Readonly<Record<string, unknown>>): Instance {
  const text = (value: unknown): string | undefined => typeof value === "string" ? value : undefined;
  const { id, version, runtime, revision, rejected, control, since, degraded, reason } = fields;
  return {
    id: text(id) ?? name,
    version: text(version) ?? "",
    runtime: isFields(runtime) ? `${runtime.name} ${runtime.version}` : text(runtime) ?? "",
    revision: typeof revision === "number" ? revision : null,
    rejected: typeof rejected === "number" ? rejected : 0,
    control: text(control),
    since: text(since) ?? (typeof since === "number" ? new Date(since).toISOString() : undefined),
    degraded: degraded === true ? text(reason) ?? "it does not say why" : undefined,
    problem: undefined,
  };
}

/** How many revisions an instance is behind; `undefined` where that is not known. */
export function lagOf({ revision }: Instance, latest: number | undefined): number | undefined {
  return revision === null || latest === undefined ? undefined : Math.max(0, latest - revision);
}
