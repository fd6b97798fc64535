import type { InlineUpstream } from "../config/upstream.ts";
import { GatewayError } from "../errors.ts";
import { Upstream, type UpstreamEnvironment } from "../upstream/upstream.ts";

/**
 * The upstreams at work, by the resource that holds their configuration (`upstream/1`, `route/7`). A change of configuration goes into the
 * upstream that is there, so that its rotation, its connections and what is known of its nodes outlive the change.
 */
export class UpstreamSet {
  readonly #environment: UpstreamEnvironment;
  readonly #upstreams: Map<string, Upstream> = new Map();

  constructor(environment: UpstreamEnvironment) {
    this.#environment = environment;
  }

  get(key: string): Upstream | undefined {
    return this.#upstreams.get(key);
  }

  /**
   * Makes the upstream of that key, updates it, or closes it where there is no configuration any more. One whose client certificate is not
   * there is not made, which its routes answer as any missing reference; one that is there goes on as it was.
   */
  set(key: string, config: InlineUpstream | undefined): void {
    const upstream = this.#upstreams.get(key);
    if (config === undefined) {
      upstream?.close();
      this.#upstreams.delete(key);
      return;
    }
    try {
      if (upstream === undefined) this.#upstreams.set(key, new Upstream(key, config, this.#environment));
      else upstream.update(config);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "missing_reference") throw error;
    }
  }

  values(): Iterable<Upstream> {
    return this.#upstreams.values();
  }

  close(): void {
    for (const upstream of this.#upstreams.values()) upstream.close();
    this.#upstreams.clear();
  }
}
