import { createHash } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import process from "node:process";
import type { Change } from "../store/source.ts";

/** What was known of a store at one revision. */
export interface Snapshot {
  readonly revision: number;
  /** Of the etcd cluster; `null` for other sources. */
  readonly clusterId: string | null;
  readonly prefix: string;
  /** When it was written, ISO 8601. */
  readonly savedAt: string;
  readonly items: readonly Change[];
}

const FORMAT = 1;

interface Head {
  readonly gatewatch: "snapshot";
  readonly format: number;
  readonly revision: number;
  readonly clusterId: string | null;
  readonly prefix: string;
  readonly savedAt: string;
  readonly count: number;
  readonly sha256: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function toText({ items, ...head }: Snapshot): string {
  const body = items.map(({ key, value, revision }) =>
    `${JSON.stringify([key, revision, Buffer.from(value ?? []).toString("base64")])}\n`
  ).join("");
  const first: Head = { gatewatch: "snapshot", format: FORMAT, ...head, count: items.length, sha256: sha256(body) };
  return `${JSON.stringify(first)}\n${body}`;
}

/**
 * Writes a snapshot so that the file holds the old one or the new one, whole, whatever happens meanwhile. Only its owner may read it: routes
 * hold secrets.
 */
export async function writeSnapshot(path: string, snapshot: Snapshot): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await rm(temporary, { force: true });
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(toText(snapshot));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/**
 * @returns `undefined` where there is no file.
 * @throws Error that names what is wrong with it: damaged, cut short, of another format.
 */
export async function readSnapshot(path: string): Promise<Snapshot | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
  const end = text.indexOf("\n");
  const head = parseHead(text.slice(0, Math.max(0, end)));
  const body = text.slice(end + 1);
  if (sha256(body) !== head.sha256) throw new Error("it is damaged (its checksum is another)");
  const lines = body === "" ? [] : body.trimEnd().split("\n");
  if (lines.length !== head.count) throw new Error("it is damaged (it has another number of keys than it says)");
  const { revision, clusterId, prefix, savedAt } = head;
  return { revision, clusterId, prefix, savedAt, items: lines.map(toChange) };
}

/** Whether others than its owner may read the file. */
export async function isExposed(path: string): Promise<boolean> {
  try {
    return ((await stat(path)).mode & 0o077) !== 0;
  } catch {
    return false;
  }
}

function parseHead(line: string): Head {
  let head: Partial<Head>;
  try {
    head = JSON.parse(line) as Partial<Head>;
  } catch {
    throw new Error("it is no snapshot");
  }
  if (head?.gatewatch !== "snapshot") throw new Error("it is no snapshot");
  if (head.format !== FORMAT) throw new Error(`it has format ${head.format}, and this version reads format ${FORMAT}`);
  return head as Head;
}

function toChange(line: string): Change {
  const [key, revision, value] = JSON.parse(line) as [string, number, string];
  return { key, revision, value: new Uint8Array(Buffer.from(value, "base64")) };
}
