import { getLogger } from "@logtape/logtape";
import { errorResponse } from "../errors.ts";
import type { InboundTls } from "../net/inbound.ts";
import type { ServerNames } from "./server-certificates.ts";

const log = getLogger(["gatewatch", "tls"]);

/**
 * Refuses requests over TLS that lack the client certificate which an ssl resource demands, as Apache APISIX does (`verify_https_client` in
 * `apisix/init.lua`): for the Host of a request such a resource may be another one than for the server name of its connection, and then the two must be the same
 * name. Beyond APISIX, the resource of the server name counts as well, since its certificate is what the client was promised.
 *
 * @param host Lower case, without port.
 * @param path Normalised, as nginx's `$uri`.
 * @returns The answer, 400 as in APISIX; undefined where the request may go on.
 */
export function refuseClient(names: ServerNames, tls: InboundTls, host: string, path: string): Response | undefined {
  if (!names.demanding) return undefined;
  const { serverName, verified } = tls;
  const own = serverName === undefined ? undefined : names.find(serverName);
  const wanted = names.find(host);
  for (const ssl of own === wanted ? [wanted] : [own, wanted]) {
    if (ssl?.client === undefined || names.skips(ssl, path)) continue;
    if (!verified) {
      log.debug("Refused a request for {host}: ssl {id} demands a client certificate", { host, id: ssl.id });
      return errorResponse("bad_request", 400);
    }
  }
  if (wanted?.client === undefined || names.skips(wanted, path) || serverName === host) return undefined;
  log.debug("Refused a request for {host}: its client certificate was verified for {serverName}", { host, serverName });
  return errorResponse("bad_request", 400);
}
