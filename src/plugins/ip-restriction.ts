import * as v from "valibot";
import { addressRange, fields, integer, text } from "../config/fields.ts";
import { list, rule, ruled } from "../config/schema-tools.ts";
import { compileCidrs, isAddress } from "../net/cidr.ts";
import { messageResponse } from "../pipeline/message.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware } from "../pipeline/step.ts";

const ranges = v.exactOptional(v.pipe(list(addressRange), v.minLength(1, "must have at least 1 item")));

const known = fields({
  message: v.exactOptional(text(1, 1024), "Your IP address is not allowed"),
  response_code: v.exactOptional(integer(403, 404), 403),
  whitelist: ranges,
  blacklist: ranges,
});

type Config = v.InferOutput<typeof known>;

const schema = ruled(
  known,
  rule<Config>(
    ({ whitelist, blacklist }) =>
      (whitelist === undefined) === (blacklist === undefined)
        ? `must have exactly one of whitelist and blacklist: has ${whitelist === undefined ? "neither" : "both"}`
        : undefined,
    { oneOf: [{ required: ["whitelist"] }, { required: ["blacklist"] }] },
  ),
);

/** Lets clients pass by their address (APISIX `plugins/ip-restriction`). */
export const ipRestriction: Plugin = definePlugin({
  name: "ip-restriction",
  priority: PRIORITIES["ip-restriction"],
  schema,
  create({ whitelist, blacklist, message, response_code: status }) {
    const isListed = compileCidrs(whitelist ?? blacklist ?? []);
    if (typeof isListed !== "function") throw new Error(isListed.map((issue) => issue.message).join("; "));
    const isAllowed = whitelist !== undefined
      ? isListed
      // A client whose address is not known is on no list: it does not pass for that.
      : (address: string) => isAddress(address) && !isListed(address);
    return stepMiddleware(({ address }) => isAllowed(address) ? undefined : messageResponse(status, message));
  },
});
