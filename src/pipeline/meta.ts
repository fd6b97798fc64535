import type { MiddlewareHandler } from "hono";
import type { PluginMeta } from "../config/plugins.ts";
import { compileExpression, type Expression } from "../match/expression.ts";
import type { MatchIssue, PathParams } from "../match/route.ts";
import type { ExchangeLogger, PluginEnv } from "./context.ts";

const NO_PARAMS: PathParams = {};

/** What keeps a plugin's `_meta` from being used; empty where nothing does. */
export function checkMeta(meta: PluginMeta): readonly MatchIssue[] {
  const issues: MatchIssue[] = [];
  compileExpression(meta.filter, "filter", issues);
  return issues;
}

/**
 * Puts `_meta` around a plugin (APISIX `plugin.lua`, meta_filter and run_plugin): `filter` decides whether it runs for a request; `error_response` replaces the body
 * where the plugin itself answers with a status of 400 or more.
 */
export function withMeta(plugin: MiddlewareHandler<PluginEnv>, meta: PluginMeta): MiddlewareHandler<PluginEnv> {
  const filter = compileExpression(meta.filter, "filter", []);
  const { error_response: errorResponse } = meta;
  const replaced = errorResponse === undefined ? plugin : replaceErrors(plugin, errorResponse);
  return filter === undefined ? replaced : filtered(replaced, filter);
}

/** The same for what a plugin hears of requests that are over: only of those that `filter` is true for. */
export function logWithMeta(log: ExchangeLogger, meta: PluginMeta): ExchangeLogger {
  const filter = compileExpression(meta.filter, "filter", []);
  if (filter === undefined) return log;
  return (exchange, end) => {
    if (filter.test(exchange.variables, NO_PARAMS) === "pass") log(exchange, end);
  };
}

function filtered(plugin: MiddlewareHandler<PluginEnv>, filter: Expression): MiddlewareHandler<PluginEnv> {
  return (c, next) => {
    const verdict = filter.test(c.get("exchange").variables, NO_PARAMS);
    // What cannot be told without the body counts as not holding, as a variable that is not there.
    return verdict === "pass" ? plugin(c, next) : next();
  };
}

function replaceErrors(
  plugin: MiddlewareHandler<PluginEnv>,
  body: NonNullable<PluginMeta["error_response"]>,
): MiddlewareHandler<PluginEnv> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain; charset=utf-8" : "application/json";
  return async (c, next) => {
    let passed = false;
    const answer = await plugin(c, () => {
      passed = true;
      return next();
    });
    const own = answer instanceof Response ? answer : c.finalized ? c.res : undefined;
    if (passed || own === undefined || own.status < 400) return answer;
    const headers = new Headers(own.headers);
    headers.delete("content-length");
    headers.set("content-type", type);
    return new Response(text, { status: own.status, headers });
  };
}
