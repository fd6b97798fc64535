import { connect } from "node:net";
import type { Probe } from "../upstream/health/probe.ts";

/** Makes active checks of type `tcp`: a node that takes a connection is well. */
export const tcpProbe: Probe = ({ host, port }, signal) =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = () => socket.destroy();
    signal.addEventListener("abort", end, { once: true });
    socket.once("connect", () => {
      resolve({ kind: "connected" });
      end();
    });
    // An error that comes after the first one, or after the connection, has to have a listener as well.
    socket.on("error", (error: Error & { code?: string }) =>
      resolve({ kind: "failed", reason: error.code ?? error.name }));
    socket.once("close", () => {
      signal.removeEventListener("abort", end);
      resolve({ kind: "failed", reason: "closed" });
    });
  });
