import type { Context, MiddlewareHandler } from "hono";

/**
 * Refuses requests whose Host is a name other than `localhost`, for a control API on loopback: a page in the operator's browser can make
 * a name of its own stand for 127.0.0.1 (DNS rebinding) and would then read the status. An address cannot be made to stand for another.
 *
 * On other addresses nothing is refused: there it is asked by names that only the operator knows (`http://gatewatch:9090/ready`), and whoever
 * opened it to a network has to guard it there.
 */
export function loopbackHost(): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (!isAddressOrLocalhost(host)) {
      return c.json({ error_msg: `Cannot answer for the host "${host}": ask by an address or by localhost` }, 403);
    }
    await next();
  };
}

/** Whether a Host field names an address or this machine; the port does not matter. */
export function isAddressOrLocalhost(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return name === "localhost" || /^\d+\.\d+\.\d+\.\d+$/.test(name) || /^\[[0-9a-f:.]+\]$/.test(name);
}

/** Whether a page in a browser asks, of whatever site: browsers say so, and no other client does. */
export function isFromPage(c: Context): boolean {
  return c.req.header("origin") !== undefined || c.req.header("sec-fetch-site") !== undefined;
}
