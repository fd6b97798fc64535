import { type Fields, isFields } from "../resources/value.ts";

/** Resources of another program's file, in the layout of a resources file. */
export interface Imported {
  readonly sections: Readonly<Record<string, readonly unknown[]>>;
  /** What has no counterpart, a line each. */
  readonly notes: readonly string[];
}

/** What the command line adds. */
export interface ImportOptions {
  /** Where requests go, for files that do not say. */
  readonly upstream?: string;
}

/** Turns another program's document into resources. It never throws. */
export type Importer = (document: Fields, options: ImportOptions) => Imported;

/** Makes ids from names: letters, digits, `.`, `_`, `-`, at most 64 of them, no two the same. */
export class Ids {
  readonly #taken = new Set<string>();

  /** @param name What people call it. */
  make(name: string): string {
    const plain = name.replace(/[^a-zA-Z0-9._-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "unnamed";
    for (let count = 1;; count++) {
      const id = count === 1 ? plain : `${plain}-${count}`;
      if (id === "." || id === ".." || this.#taken.has(id)) continue;
      this.#taken.add(id);
      return id;
    }
  }
}

/** The objects of a list; nothing where it is none. */
export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** The objects of a map with their names; nothing where it is none. */
export function entriesOf(value: unknown): readonly (readonly [string, Fields])[] {
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([name, each]) => isFields(each) ? [[name, each] as const] : []);
}

/** A text, or nothing. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The texts of a list. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}

/** An upstream that sends to the origins of URLs, and the paths in front of theirs. */
export function upstreamOf(urls: readonly { readonly url: string; readonly weight?: number }[]): {
  readonly upstream: Fields;
  readonly paths: readonly string[];
} | undefined {
  const parsed = urls.flatMap(({ url, weight }) =>
    URL.canParse(url) ? [{ url: new URL(url), weight: weight ?? 1 }] : []
  );
  const [first] = parsed;
  if (first === undefined || !/^https?:$/.test(first.url.protocol)) return undefined;
  const scheme = first.url.protocol.slice(0, -1);
  const nodes = parsed.map(({ url, weight }) => ({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
    weight,
  }));
  return {
    upstream: { type: "roundrobin", scheme, nodes },
    paths: parsed.map(({ url }) => url.pathname.replace(/\/+$/, "")),
  };
}
