import type {
  ExplainedCandidate,
  ExplainedLack,
  ExplainedLevel,
  ExplainedPlace,
  ExplainedPredicate,
  ExplainedWinner,
  Explanation,
  NearMiss,
} from "./explanation.ts";
import { alignRows, createPaint, type Paint } from "./text-table.ts";

/** How an explanation is written. */
export interface RenderOptions {
  /** With ANSI colours, for a terminal. Default: false. */
  readonly color?: boolean;
}

/** Writes an explanation as aligned text for people, a newline at its end. */
export function renderExplanation(explanation: Explanation, options: RenderOptions = {}): string {
  const paint = createPaint(options.color ?? false);
  const lines = [
    ...heading(explanation),
    "",
    ...(explanation.levels.length === 0 ? ["No route is for this host, and none for any host."] : []),
    ...explanation.levels.flatMap((level) => renderLevel(level, paint)),
    "",
    ...outcome(explanation, paint),
    ...explanation.notes.map(({ text }) => `  ${paint("yellow", "Note:")} ${printable(text)}`),
  ];
  return `${lines.join("\n")}\n`;
}

function heading({ request, router }: Explanation): string[] {
  return alignRows([
    ["Request", `${printable(request.method)} ${printable(request.path)}`],
    ["Host", request.host === "" ? "(none)" : printable(request.host)],
    ["Client", request.address === "" ? "(unknown)" : printable(request.address)],
    ["Router", router],
  ]);
}

function renderLevel(level: ExplainedLevel, paint: Paint): string[] {
  const title = level.host === null ? "Routes for any host" : `Routes for the host ${printable(level.host)}`;
  if (level.paths.length === 0) return [paint("bold", title), "  none has a path that fits"];
  const lines = [paint("bold", title)];
  for (const path of level.paths) {
    lines.push(
      path.kind === "exact" ? `  path ${printable(path.path)}` : `  paths that begin with '${printable(path.path)}'`,
    );
    lines.push(...renderCandidates(path.candidates, paint));
    if (path.omitted > 0) lines.push(paint("dim", `    and ${path.omitted} more`));
  }
  return lines;
}

function renderCandidates(candidates: readonly ExplainedCandidate[], paint: Paint): string[] {
  const heads = alignRows(candidates.map((one) => [
    `route ${printable(one.id)}`,
    printable(one.uri),
    `priority ${one.priority}`,
    result(one, paint),
  ]));
  return candidates.flatMap((one, i) => {
    const rows = one.predicates.flatMap((predicate) => renderPredicate(predicate, paint));
    return [`    ${heads[i]}`, ...alignRows(rows).map((row) => `      ${row}`)];
  });
}

function result({ result }: ExplainedCandidate, paint: Paint): string {
  if (result === "wins") return paint("green", "wins");
  if (result === "fails") return paint("red", "fails");
  return result === "passes" ? paint("dim", "would fit, comes later") : paint("yellow", "needs the body");
}

function renderPredicate(predicate: ExplainedPredicate, paint: Paint): string[][] {
  const { kind, configured, actual, verdict, parts = [] } = predicate;
  const mark = (one: ExplainedPredicate["verdict"]): string =>
    one === "pass" ? paint("green", "pass") : one === "fail" ? paint("red", "fail") : paint("yellow", "needs the body");
  const row = (first: string, wanted: string, is: string, one: ExplainedPredicate["verdict"]): string[] => [
    first,
    printable(wanted),
    `is ${printable(is)}`,
    mark(one),
  ];
  if (parts.length === 0) return [row(kind, configured, actual, verdict)];
  const rows = parts.map((part, i) => row(i === 0 ? kind : "", part.configured, part.actual, part.verdict));
  // A list of comparisons that must all hold needs no more words; AND, OR and their negations do.
  return configured.startsWith("[[") ? rows : [...rows, ["", `together: ${printable(configured)}`, mark(verdict)]];
}

function outcome({ outcome, winner, nearest }: Explanation, paint: Paint): string[] {
  if (outcome === "needs_body") return [paint("yellow", "Not decided: a route asks for what is in the body.")];
  if (winner !== null) return [`${paint("green", "Matched:")} ${place(winner)}`, ...renderWinner(winner)];
  const first = paint("red", "Not matched: the answer is 404.");
  if (nearest.length === 0) return [first];
  return [first, "", paint("bold", "Nearest misses"), ...nearest.flatMap((miss) => renderMiss(miss))];
}

function renderWinner(winner: ExplainedWinner): string[] {
  const params = Object.entries(winner.params).map(([name, value]) => [printable(name), `= ${printable(value)}`]);
  return [
    `  ${because(winner)}`,
    ...(params.length === 0 ? [] : ["  Parameters", ...alignRows(params).map((row) => `    ${row}`)]),
  ];
}

function because(winner: ExplainedWinner): string {
  const { rule, before } = winner;
  if (before === null || rule === "only") return "No other route would take the request.";
  const other = place(before);
  switch (rule) {
    case "host":
      return `Decided by host: ${hostWords(winner)} comes before ${hostWords(before)}, so before ${other}.`;
    case "exact_path":
      return `Decided by path: an exact path comes before every prefix, whatever the priority, so before ${other}.`;
    case "longer_prefix":
      return `Decided by path: the longer prefix comes first, whatever the priority, so before ${other}.`;
    case "priority":
      return `Decided by priority: ${winner.priority} is higher than the ${before.priority} of ${other}.`;
    case "longer_path":
      return `Decided by path: it is written longer than that of ${other}; place and priority are the same.`;
    case "id":
      return `Decided by id: it is smaller than that of ${other}; host, path and priority are the same.`;
  }
}

function hostWords({ host }: ExplainedPlace): string {
  return host === null ? "any host" : printable(host);
}

function place({ id, host, uri }: ExplainedPlace): string {
  return `route ${printable(id)} (${host === null ? "" : printable(host)}${printable(uri)})`;
}

function renderMiss(miss: NearMiss): string[] {
  const rows = miss.lacks.map((lack) => [lackName(lack), ...lackWords(lack)]);
  return [`  ${place(miss)}`, ...alignRows(rows).map((row) => `    ${row}`)];
}

function lackName({ kind }: ExplainedLack): string {
  return kind === "disabled" ? "status" : kind;
}

function lackWords({ kind, configured, actual, hint }: ExplainedLack): string[] {
  if (kind === "disabled") return ["it is disabled", ""];
  return [`wants ${printable(configured)}`, `is ${printable(actual)}${hint === undefined ? "" : `: ${hint}`}`];
}

/** Control characters, those that turn the direction of text, and lone surrogates as escapes: what a client sends must not steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
