import { getLogger } from "@logtape/logtape";
import type { Issue } from "../config/issue.ts";
import { serverNames, type Ssl } from "../config/ssl.ts";
import { compileRegex, type Regex } from "../match/regex.ts";
import type { Delta } from "../store/delta.ts";
import type { Store } from "../store/store.ts";

const log = getLogger(["gatewatch", "tls"]);

/** What only a runtime with a TLS library can say of ssl resources. */
export interface ServerCertificates {
  /** What is wrong with certificates and keys; any issue rejects the resource. May prepare what handshakes need. */
  inspect(ssl: Ssl): readonly Issue[];
  /** What should be known of a resource that is served, as that it has expired. @param now Milliseconds since 1970. */
  warnings(ssl: Ssl, now: number): readonly Issue[];
}

/** A resource with what is compiled of it. */
interface Named {
  readonly ssl: Ssl;
  readonly skips: readonly Regex[];
}

const TOPIC = "tls";

/**
 * The ssl resources of type `server` by server name, changed as the configuration changes. A name that is written in full stands before a wildcard, the
 * longer wildcard before the shorter one, and `*` after all; a wildcard stands for one label, or a part of one (`apisix/ssl/router/radixtree_sni.lua`, RFC
 * 6125 section 6.4.3). Among resources with the same name the lowest id counts.
 */
export class ServerNames {
  readonly #exact: Map<string, Named[]> = new Map();
  /** By what follows the star: `.example.com`. */
  readonly #labels: Map<string, Named[]> = new Map();
  /** By what follows the star: `example.com`, of `*example.com`. */
  readonly #parts: Map<string, Named[]> = new Map();
  readonly #any: Named[] = [];
  readonly #named: Map<Ssl, Named> = new Map();
  /** Resources that demand client certificates. */
  #demanding = 0;

  apply(delta: Pick<Delta, "changes">): void {
    for (const change of delta.changes) {
      if (change.kind !== "ssl") continue;
      if (change.before !== undefined) this.#remove(change.before);
      if (change.after !== undefined) this.#add(change.after);
    }
  }

  /** Whether any resource demands client certificates. */
  get demanding(): boolean {
    return this.#demanding > 0;
  }

  /** @param name Lower case, without a dot at the end. */
  find(name: string): Ssl | undefined {
    return this.#find(name)?.ssl;
  }

  /** Whether a resource demands no client certificate for a path. */
  skips(ssl: Ssl, path: string): boolean {
    return this.#named.get(ssl)?.skips.some((regex) => regex.search(path)) ?? false;
  }

  /** Names that a resource has and another one stands before it for. */
  concealed(ssl: Ssl): { readonly name: string; readonly by: string }[] {
    if (!this.#named.has(ssl)) return [];
    return serverNames(ssl).flatMap((name) => {
      const by = this.#listOf(name)[0]!.ssl;
      return by === ssl ? [] : [{ name, by: by.id }];
    });
  }

  #find(name: string): Named | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact[0];
    const dot = name.indexOf(".");
    const rest = dot < 0 ? "" : name.slice(dot);
    return this.#part(name, dot < 0 ? name.length : dot) ??
      (dot > 0 ? this.#labels.get(rest)?.[0] : undefined) ?? this.#any[0];
  }

  /** The longest end of a name that begins within its first label. */
  #part(name: string, labelEnd: number): Named | undefined {
    if (this.#parts.size === 0) return undefined;
    for (let from = 0; from < labelEnd; from++) {
      const found = this.#parts.get(name.slice(from));
      if (found !== undefined) return found[0];
    }
    return undefined;
  }

  #listOf(name: string): Named[] {
    if (name === "*") return this.#any;
    const map = !name.startsWith("*") ? this.#exact : name.startsWith("*.") ? this.#labels : this.#parts;
    const key = name.startsWith("*") ? name.slice(1) : name;
    let list = map.get(key);
    if (list === undefined) map.set(key, list = []);
    return list;
  }

  #add(ssl: Ssl): void {
    if (ssl.type !== "server" || ssl.status === 0) return;
    const skips = ssl.client?.skip_mtls_uri_regex?.map((pattern) => compileRegex(pattern, false)) ?? [];
    const named = { ssl, skips: skips.filter((regex) => typeof regex !== "string") };
    this.#named.set(ssl, named);
    if (ssl.client !== undefined) this.#demanding++;
    for (const name of serverNames(ssl)) {
      const list = this.#listOf(name);
      list.push(named);
      list.sort((a, b) => (a.ssl.id < b.ssl.id ? -1 : 1));
    }
  }

  #remove(ssl: Ssl): void {
    const named = this.#named.get(ssl);
    if (named === undefined) return;
    this.#named.delete(ssl);
    if (ssl.client !== undefined) this.#demanding--;
    for (const name of serverNames(ssl)) {
      const list = this.#listOf(name);
      list.splice(list.indexOf(named), 1);
      if (list.length > 0 || name === "*") continue;
      const key = name.startsWith("*") ? name.slice(1) : name;
      (!name.startsWith("*") ? this.#exact : name.startsWith("*.") ? this.#labels : this.#parts).delete(key);
    }
  }
}

/**
 * Makes what writes warnings about certificates into their keys' status, when somebody looks: a certificate expires without anything being
 * written.
 */
export function createCertificateWarnings(
  names: ServerNames,
  certificates: ServerCertificates | undefined,
  store: Pick<Store, "all" | "annotate">,
): () => void {
  return () => {
    for (const ssl of store.all("ssl")) store.annotate("ssl", ssl.id, TOPIC, warningsOf(ssl, names, certificates));
  };
}

/** Says in the log what is odd about certificates that have just been put in the place of others. */
export function tellCertificates(
  delta: Pick<Delta, "changes">,
  names: ServerNames,
  certificates: ServerCertificates | undefined,
  prefix: string,
): void {
  let lines = 0;
  for (const { kind, id, after } of delta.changes) {
    if (kind !== "ssl" || after === undefined) continue;
    for (const { path, message } of warningsOf(after, names, certificates)) {
      if (lines++ < MAX_LINES) log.warn("Key {key}: {path} {message}", { key: `${prefix}ssls/${id}`, path, message });
    }
  }
}

/** Lines about one batch at the most; all of it is told by `/status/keys`. */
const MAX_LINES = 10;

function warningsOf(ssl: Ssl, names: ServerNames, certificates: ServerCertificates | undefined): Issue[] {
  return [
    ...certificates?.warnings(ssl, Date.now()) ?? [],
    ...names.concealed(ssl).map(({ name, by }) => ({
      path: ssl.sni === undefined ? "snis" : "sni",
      message: `is not what '${name}' gets: ssl '${by}' has the name as well and stands before it`,
    })),
  ];
}
