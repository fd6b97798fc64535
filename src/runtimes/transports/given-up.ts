import { type OutboundRequest, type Peer, TransportError } from "../../forward/transport.ts";

/** Calls `onAbort` when a request is given up, at once where it has been, in the cheaper of the ways that it offers. */
export function watchAbort(request: OutboundRequest, onAbort: () => void): void {
  const { watchable } = request;
  if (watchable !== undefined) return watchable.watch(onAbort);
  const { signal } = request;
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort);
}

/** Takes back what {@link watchAbort} has set. */
export function unwatchAbort(request: OutboundRequest, onAbort: () => void): void {
  const { watchable } = request;
  if (watchable !== undefined) watchable.watch(undefined);
  else request.signal.removeEventListener("abort", onAbort);
}

/** What a request fails with whose transport is closed before there is a connection for it. */
export function closedWhileConnecting({ host, port }: Peer): TransportError {
  return new TransportError("reset", false, `${host}:${port}: Closed while connecting`);
}
