import type { Keyring } from "../config/keyring.ts";
import type { Kind } from "../config/kinds.ts";
import { parseValue } from "../config/parse.ts";
import type { Resource } from "../config/resource.ts";
import { findSecrets, type SecretPlace } from "../config/secret-places.ts";
import { isReference } from "../config/pem.ts";
import { resolveSecrets, type SecretSources } from "../config/secrets.ts";
import type { Secret } from "../config/secret.ts";
import { createInspector } from "../gateway/inspect.ts";
import { pluginReferences } from "../gateway/plugin-references.ts";
import type { ServerCertificates } from "../gateway/server-certificates.ts";
import type { RouterName } from "../match/route.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import { type Reference, type ReferenceExtractor, referencesOf } from "../store/references.ts";
import { invalid } from "./answer.ts";
import { isObject } from "./patch.ts";

/** A value as it is stored, as JSON. */
export type Fields = Record<string, unknown>;

export interface CheckOptions {
  readonly catalogue: Catalogue;
  readonly router: RouterName;
  /** Checks what ssl resources hold. Default: their schema does alone. */
  readonly certificates?: Pick<ServerCertificates, "inspect"> | undefined;
  /** Bytes of one resource. */
  readonly maxBytes: number;
  readonly secrets: SecretSources;
  /** Encrypts what APISIX keeps encrypted at rest; without it, it is stored as it came. */
  readonly seal: Keyring | undefined;
}

/** A value that a gateway would serve without a warning. */
export interface Checked {
  readonly resource: Resource;
  /** What it refers to; each must be there. */
  readonly references: readonly Reference[];
}

/** Checks values as the gateway will, and what it only warns of is refused here. */
export class Checker {
  readonly catalogue: Catalogue;
  readonly #options: CheckOptions;
  readonly #inspect: ReturnType<typeof createInspector>;
  readonly #pluginReferences: ReferenceExtractor;

  constructor(options: CheckOptions) {
    this.catalogue = options.catalogue;
    this.#options = options;
    this.#inspect = createInspector(options.router, options.certificates);
    this.#pluginReferences = pluginReferences(options.catalogue);
  }

  /**
   * @param managerOf Finds a stored secret resource by its id, as in `vault/1`.
   * @throws AdminError 400 with every issue.
   */
  async check(
    kind: Kind,
    id: string,
    value: unknown,
    managerOf: (id: string) => Promise<Secret | undefined>,
  ): Promise<Checked> {
    const { catalogue, maxBytes, secrets } = this.#options;
    const bytes = new TextEncoder().encode(JSON.stringify(value) ?? "").length;
    if (bytes > maxBytes) throw invalid([{ path: "", message: `must be at most ${maxBytes} bytes, is ${bytes}` }]);
    // Secrets are resolved in place, and what is resolved must not be stored.
    const copy = structuredClone(value);
    const places = findSecrets(kind, copy, true, catalogue);
    const managers = kind === "secret" ? new Map<string, Secret>() : await managersOf(places, managerOf);
    const { issues, hidden } = await resolveSecrets(places, secrets, (name) => managers.get(name));
    if (issues.length > 0) throw invalid(issues);
    const parsed = parseValue(kind, id, copy, {
      mode: "strict",
      plugins: catalogue,
      inspect: this.#inspect,
      hidden,
    });
    if (!parsed.ok) throw invalid(parsed.issues);
    if (parsed.warnings.length > 0) throw invalid(parsed.warnings);
    const resource = parsed.resource as Resource;
    return {
      resource,
      references: [...referencesOf(kind, resource), ...this.#pluginReferences(kind, resource)],
    };
  }

  /** Encrypts, in place, what is kept encrypted at rest. What is encrypted already stays as it is. */
  async seal(kind: Kind, value: Fields): Promise<void> {
    const { seal, catalogue } = this.#options;
    if (seal === undefined) return;
    await Promise.all(
      findSecrets(kind, value, false, catalogue).map(async ({ text, encrypted, set }) => {
        if (!encrypted || isReference(text) || await seal.decrypt(text) !== undefined) return;
        set(await seal.encrypt(text));
      }),
    );
  }

  /** A plugin's configuration as {@link Checker.seal} would store it. */
  async sealedConfig(name: string, config: unknown): Promise<unknown> {
    const { seal, catalogue } = this.#options;
    if (seal === undefined || !isObject(config)) return config;
    const sealed = { ...config };
    for (const field of catalogue.encryptedFields?.(name) ?? []) {
      const text = sealed[field];
      if (typeof text === "string") sealed[field] = await seal.encrypt(text);
    }
    return sealed;
  }

  /** Decrypts, in place, the fields of plugins, as APISIX does before it shows them; keys of certificates stay encrypted. */
  async unseal(kind: Kind, value: Fields): Promise<void> {
    const { keyring } = this.#options.secrets;
    if (keyring === undefined) return;
    await Promise.all(
      findSecrets(kind, value, false, this.catalogue).map(async ({ text, encrypted, pem, set }) => {
        if (!encrypted || pem) return;
        const plain = await keyring.decrypt(text);
        if (plain !== undefined) set(plain);
      }),
    );
  }
}

async function managersOf(
  places: readonly SecretPlace[],
  managerOf: (id: string) => Promise<Secret | undefined>,
): Promise<Map<string, Secret>> {
  const found = new Map<string, Secret>();
  for (const { text } of places) {
    const name = /^\$secret:\/\/([^/]+\/[^/]+)\//.exec(text)?.[1];
    if (name === undefined || found.has(name)) continue;
    const manager = await managerOf(name);
    if (manager !== undefined) found.set(name, manager);
  }
  return found;
}
