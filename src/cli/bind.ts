import type { Listen, Listener, ListenOptions } from "../runtimes/listener.ts";
import type { ListenAddress } from "./setting-values.ts";

/** An address could not be bound; the message is for the operator. */
export class BindError extends Error {
  override readonly name: string = "BindError";
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is taken",
  EACCES: "this user may not use that port",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "no address is known for that name",
  EAI_AGAIN: "no address is known for that name",
  EAFNOSUPPORT: "this machine does not have that kind of address",
};

/** Binds an address. @throws {BindError} that names the address and the reason. */
export async function bind(
  listen: Listen,
  address: ListenAddress,
  options: Pick<ListenOptions, "handler" | "limits" | "reusePort" | "tls">,
): Promise<Listener> {
  try {
    return await listen({ ...options, host: address.host, port: address.port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = (code === undefined ? undefined : REASONS[code]) ?? message;
    throw new BindError(`Cannot listen on ${addressText(address)}: ${reason}`, { cause: error });
  }
}

/** `127.0.0.1:9080`, `[::1]:9080`. */
export function addressText({ host, port }: ListenAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
