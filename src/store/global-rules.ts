import { type Issue, quote, toPath } from "../config/issue.ts";
import type { GlobalRule } from "../config/global-rule.ts";
import type { PluginUse } from "../config/plugins.ts";

/** A global rule without the plugins that another one has, too. */
export interface EffectiveRule {
  readonly rule: GlobalRule;
  readonly warnings: readonly Issue[];
}

/**
 * Takes every plugin that two or more global rules configure out of all of them, as Apache APISIX does (`apisix/plugin.lua`): which of them
 * was meant cannot be told. Rules that share nothing come back as they are.
 */
export function withoutDuplicates(rules: ReadonlyMap<string, GlobalRule>): Map<string, EffectiveRule> {
  const owners = new Map<string, string[]>();
  for (const [id, rule] of rules) {
    for (const name in rule.plugins) {
      const ids = owners.get(name);
      if (ids === undefined) owners.set(name, [id]);
      else ids.push(id);
    }
  }
  const effective = new Map<string, EffectiveRule>();
  for (const [id, rule] of rules) effective.set(id, withoutShared(id, rule, owners));
  return effective;
}

function withoutShared(id: string, rule: GlobalRule, owners: ReadonlyMap<string, readonly string[]>): EffectiveRule {
  const warnings: Issue[] = [];
  const plugins: Record<string, PluginUse> = Object.create(null);
  for (const [name, use] of Object.entries(rule.plugins)) {
    const others = (owners.get(name) ?? []).filter((owner) => owner !== id);
    if (others.length === 0) plugins[name] = use;
    else {
      const named = others.slice(0, 3).map((other) => quote(other)).join(", ");
      warnings.push({
        path: toPath("plugins", name),
        message: `does not run, as global rule ${named} has the same plugin: it runs for neither`,
      });
    }
  }
  return { rule: warnings.length === 0 ? rule : { ...rule, plugins }, warnings };
}
