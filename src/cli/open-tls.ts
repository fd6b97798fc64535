import type { Ssl } from "../config/ssl.ts";
import { TlsTerminator } from "../runtimes/tls/terminator.ts";
import { openFileCertificate } from "./tls-files.ts";
import type { Settings } from "./settings.ts";

/** What terminates TLS, and what lets go of its files. */
export interface OpenTls {
  readonly terminator: TlsTerminator;
  close(): void;
}

/**
 * Makes what terminates TLS for `--listen-tls`; undefined without it.
 *
 * @param find The ssl resource for a server name.
 * @throws UsageError where the certificate in files cannot be used.
 */
export async function openTls(
  settings: Pick<Settings, "listenTls" | "tlsCert" | "tlsKey" | "http2">,
  find: (serverName: string) => Ssl | undefined,
): Promise<OpenTls | undefined> {
  if (settings.listenTls.length === 0) return undefined;
  let fallback: () => Ssl | undefined = () => undefined;
  const terminator = new TlsTerminator({ find, fallback: () => fallback() }, { http2: settings.http2 === "on" });
  const files = await openFileCertificate(settings, terminator.certificates);
  if (files !== undefined) fallback = files.current;
  return { terminator, close: () => files?.close() };
}
