/** A plugin of one's own: `gatewatch run --plugin examples/plugin/geo-header.ts`, then `{"plugins":{"geo-header":{}}}` in a route. */
import { definePlugin, type Plugin } from "gatewatch/plugin";
import * as v from "valibot";

export const geoHeader: Plugin = definePlugin({
  name: "geo-header",
  priority: 1500,
  schema: v.object({ header: v.optional(v.string(), "x-geo"), country: v.optional(v.string(), "unknown") }),
  create: ({ header, country }) => async (c, next) => {
    c.var.upstream.headers.set(header, `${country} ${c.var.exchange.address}`);
    await next();
  },
});
