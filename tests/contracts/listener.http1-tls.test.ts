// waits
import type { Listen } from "../../src/runtimes/listener.ts";
import { TlsTerminator } from "../../src/runtimes/tls/terminator.ts";
import { createAuthority } from "../support/authority.ts";
import { secureConnect } from "../support/secure.ts";
import { RUNTIME } from "./contract.ts";
import { listenerContract } from "./listener.ts";
import { HANDSHAKE_MS, tlsRows } from "./listener-tls.ts";
import { http1TlsGaps } from "./listener-gaps.ts";
import { thisRuntime } from "./runtime.ts";

/** The listener `http1` behind TLS: the same rows, since nothing of HTTP may depend on it. */
const NAME = "gate.test";

async function listen(): Promise<Listen> {
  const { listeners } = await thisRuntime();
  const ssl = { id: "1", type: "server", sni: NAME, status: 1, ...createAuthority().issue(`DNS:${NAME}`) } as const;
  const tls = new TlsTerminator({ find: (name) => name === NAME ? ssl : undefined, fallback: () => undefined }, {
    handshakeMs: HANDSHAKE_MS,
  });
  return (options) => listeners.http1({ ...options, tls });
}

listenerContract("http1 over TLS", listen, http1TlsGaps[RUNTIME], (port) => secureConnect(port, NAME), tlsRows);
