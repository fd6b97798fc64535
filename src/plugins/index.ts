import type { Plugin } from "../pipeline/plugin.ts";
import { basicAuth } from "./basic-auth.ts";
import { consumerRestriction } from "./consumer-restriction.ts";
import { cors } from "./cors.ts";
import { faultInjection } from "./fault-injection.ts";
import { ipRestriction } from "./ip-restriction.ts";
import { jwtAuth } from "./jwt-auth.ts";
import { keyAuth } from "./key-auth.ts";
import { limitConn } from "./limit-conn.ts";
import { limitCount } from "./limit-count.ts";
import { limitReq } from "./limit-req.ts";
import { prometheus } from "./prometheus.ts";
import { proxyRewrite } from "./proxy-rewrite.ts";
import { redirect } from "./redirect.ts";
import { requestId } from "./request-id.ts";
import { responseRewrite } from "./response-rewrite.ts";
import { trafficSplit } from "./traffic-split.ts";

/** The plugins that every gateway has, by priority; an explicit list, so that importing a file never changes what is served. */
export const builtinPlugins: readonly Plugin[] = [
  requestId,
  faultInjection,
  cors,
  ipRestriction,
  basicAuth,
  jwtAuth,
  keyAuth,
  consumerRestriction,
  proxyRewrite,
  limitConn,
  limitCount,
  limitReq,
  trafficSplit,
  redirect,
  responseRewrite,
  prometheus,
];
