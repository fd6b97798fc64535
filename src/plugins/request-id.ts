import * as v from "valibot";
import { fields, flag, integer, oneOf, pattern } from "../config/fields.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { createIdGenerator, ID_ALGORITHMS } from "../pipeline/request-ids.ts";
import { stepMiddleware } from "../pipeline/step.ts";

/** As in APISIX, where G stands in place of J. */
const CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIGKLMNOPQRSTUVWXYZ0123456789";

const schema = fields({
  header_name: v.exactOptional(
    pattern(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/, "the name of a header field (an RFC 9110 token)"),
    "X-Request-Id",
  ),
  include_in_response: v.exactOptional(flag, true),
  algorithm: v.exactOptional(oneOf(...ID_ALGORITHMS), "uuid"),
  range_id: v.exactOptional(
    fields({
      length: v.exactOptional(integer(6, 1024), 16),
      // What is sent in a header field has to be something that can be.
      char_set: v.exactOptional(pattern(/^[!-~]{6,1024}$/, "6 to 1024 printable ASCII characters"), CHARACTERS),
    }),
    { length: 16, char_set: CHARACTERS },
  ),
});

/** Gives every request an id, for the upstream, and for the client in the answer (APISIX `plugins/request-id.lua`). */
export const requestId: Plugin = definePlugin({
  name: "request-id",
  priority: PRIORITIES["request-id"],
  phase: "rewrite",
  schema,
  create(config) {
    const { header_name: name, include_in_response: answers } = config;
    const generate = createIdGenerator(config.algorithm, config.range_id);
    return stepMiddleware((_, { headers }) => {
      let id = headers.get(name);
      if (id === undefined || id === "") headers.set(name, id = generate());
      if (!answers) return undefined;
      const shown = id;
      return (fields) => {
        if (!fields.get(name)) fields.set(name, shown);
      };
    });
  },
});
