import type { GatewayExplanation } from "../gateway/explain.ts";
import { renderExplanation, type RenderOptions } from "../match/render.ts";
import { alignRows, createPaint } from "../match/text-table.ts";

/** Writes an explanation for people: the match, the plugins in the order in which they run, the nodes, the outcome. */
export function explanationText(explanation: GatewayExplanation, options: RenderOptions = {}): string {
  const { routing, plugins, upstream, answer, revision } = explanation;
  const paint = createPaint(options.color ?? false);
  const lines = [renderExplanation(routing, options).trimEnd()];
  if (plugins.length > 0) {
    lines.push("", paint("bold", "Plugins, in the order in which they run"));
    lines.push(...indent(alignRows(plugins.map(({ name, from, phase, priority, filtered }) => [
      name,
      phase,
      `priority ${priority}`,
      `from ${from}`,
      filtered ? "only where its filter holds" : "",
    ]))));
  }
  if (upstream !== null) {
    lines.push("", paint("bold", `Nodes of ${upstream.id}`));
    lines.push(...indent(alignRows(upstream.nodes.map(({ node, weight, priority, picked, reason }) => [
      picked ? paint("green", node) : node,
      `weight ${weight}`,
      priority === 0 ? "" : `priority ${priority}`,
      picked ? paint("green", `picked: ${reason}`) : paint("dim", reason),
    ]))));
  }
  if (answer !== null) {
    lines.push("", paint("red", `The gateway answers ${answer.status} (${answer.code}): ${answer.message}`));
  }
  lines.push("", paint("dim", revision === null ? "No revision is applied yet" : `At revision ${revision}`));
  return `${lines.join("\n")}\n`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
