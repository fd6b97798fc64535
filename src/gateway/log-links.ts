import { getLogger } from "@logtape/logtape";
import type { ExchangeEnd, ExchangeLogger, PluginExchange } from "../pipeline/context.ts";

/** A plugin that hears of requests that are over. */
export interface LogLink {
  /** The plugin's name. */
  readonly name: string;
  /** In a global rule: it leaves out requests whose route has the plugin, too. */
  readonly preferRoute: boolean;
  readonly log: ExchangeLogger;
}

/** Tells those of the global rules, then those of the route. */
export function runLoggers(
  global: readonly LogLink[],
  own: readonly LogLink[],
  exchange: PluginExchange,
  end: ExchangeEnd,
): void {
  for (const link of global) {
    if (!link.preferRoute || !own.some(({ name }) => name === link.name)) run(link, exchange, end);
  }
  for (const link of own) run(link, exchange, end);
}

/** A plugin that fails here must not break off the answer that it hears of. */
function run(link: LogLink, exchange: PluginExchange, end: ExchangeEnd): void {
  try {
    link.log(exchange, end);
  } catch (error) {
    getLogger(["gatewatch", "plugin", link.name]).error("The plugin failed to take note of a request: {error}", {
      error,
    });
  }
}
