/** An address of etcd. */
export interface Endpoint {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly tls: boolean;
  /** Name or address, without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

/**
 * @param text `http://host:port`, `https://host:port` or `host:port`, which means http. The port's default is 2379.
 * @throws TypeError where it is anything else; the message repeats no password.
 */
export function parseEndpoint(text: string): Endpoint {
  const wanted = "wanted 'http://host:port' or 'https://host:port'";
  const given = text.trim();
  if (given === "") throw new TypeError(`Cannot use an empty etcd endpoint: ${wanted}`);
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`);
  } catch {
    throw new TypeError(`Cannot use the etcd endpoint '${given.replace(/\/\/.*@/, "//***@")}': ${wanted}`);
  }
  const shown = `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`Cannot use the etcd endpoint '${shown}': ${wanted}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(`Cannot use the etcd endpoint '${shown}' with a user in it: give user and password apart`);
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.hostname === "") {
    throw new TypeError(`Cannot use the etcd endpoint '${shown}': ${wanted}`);
  }
  const tls = url.protocol === "https:";
  // The URL drops the port that is its scheme's default; etcd's own default applies only where none was written.
  const written = /:(\d+)\/*$/.exec(given.replace(/^[a-z]+:\/\//i, "x"))?.[1];
  const port = written === undefined ? 2379 : Number(written);
  return { url: `${url.protocol}//${url.hostname}:${port}`, tls, host: url.hostname.replace(/^\[|\]$/g, ""), port };
}

/** Hands out endpoints in turn. */
export interface Rotation {
  readonly current: Endpoint;
  /** Goes on to the next one. */
  next(): void;
}

/** @param first Index of the first to use; a fleet that spreads it spreads its load. */
export function createRotation(endpoints: readonly Endpoint[], first: number): Rotation {
  let index = first;
  return {
    get current(): Endpoint {
      const endpoint = endpoints[index % endpoints.length];
      if (!endpoint) {
        throw new TypeError("Cannot read etcd without an endpoint: give one, as in 'http://127.0.0.1:2379'");
      }
      return endpoint;
    },
    next() {
      index++;
    },
  };
}
