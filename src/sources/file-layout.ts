import type { Document, LineCounter, Node, ParsedNode } from "yaml";

/** A place in a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One resource of a file. */
export interface LayoutItem {
  /** As in etcd, below the prefix: `routes/1`. */
  readonly key: string;
  /** The resource as JSON, its fields in the order in which they are written. */
  readonly json: string;
  /** Where the resource begins; `undefined` where the text was read without positions. */
  readonly position: Position | undefined;
  /** Where a field of it is, as in `["upstream", "nodes"]`, or the nearest field around it. */
  locate(path: readonly (string | number)[]): Position | undefined;
}

/** What makes a file unusable. */
export interface LayoutIssue {
  readonly message: string;
  readonly position: Position | undefined;
}

/** A file's content. Where there are issues, the items are those that could be read in spite of them. */
export interface Layout {
  readonly items: readonly LayoutItem[];
  readonly issues: readonly LayoutIssue[];
  /** The text ends with an `#END` line, as files in Apache APISIX's layout do. */
  readonly marked: boolean;
}

/** Sections of Apache APISIX's standalone layout, which are also the folders of its keys. */
const SECTIONS: ReadonlySet<string> = new Set([
  "routes",
  "upstreams",
  "services",
  "plugin_configs",
  "consumers",
  "consumer_groups",
  "global_rules",
  "ssls",
  "plugin_metadata",
  "secrets",
  "protos",
  "stream_routes",
]);
/** Sections that are one key each. */
export const SINGLES: ReadonlySet<string> = new Set(["node", "plugins"]);

/** As many times may aliases of YAML repeat what they stand for. */
const MAX_ALIASES = 100;

/** How many issues of one file are told. */
const MAX_ISSUES = 20;

/** The `#END` line of Apache APISIX's layout. */
export const END: RegExp = /(?:^|\n)[ \t]*#END[ \t]*\s*$/;

/**
 * Reads a file in Apache APISIX's standalone layout, YAML or JSON: sections with lists of resources, each of which has an `id` (a consumer a
 * `username`). A consumer may hold its `credentials`, each with an `id`. Sections that begin with `x-` are for the file's own anchors.
 *
 * It never throws. `positions: false` reads JSON much faster, and tells positions only where there is an issue.
 *
 * @example
 * ```ts
 * const { items } = await parseLayout("routes:\n  - id: 1\n    uri: /*\n");
 * items[0]; // { key: "routes/1", json: '{"id":1,"uri":"/*"}', position: { line: 2, column: 5 } }
 * ```
 */
export async function parseLayout(text: string, options: { readonly positions?: boolean } = {}): Promise<Layout> {
  const marked = END.test(text);
  const plain = text.replace(/^\ufeff/, "");
  try {
    if (options.positions === false && /^\s*\{/.test(plain)) {
      const layout = readJson(plain.replace(END, ""), marked);
      if (layout && layout.issues.length === 0) return layout;
    }
    const yaml = await import("yaml");
    const lines = new yaml.LineCounter();
    const document = yaml.parseDocument(plain, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      uniqueKeys: true,
    });
    return readDocument(yaml, document, lines, marked);
  } catch (error) {
    return {
      items: [],
      issues: [{ message: `cannot be read: ${(error as Error).message}`, position: undefined }],
      marked,
    };
  }
}

/** Collects items and issues, whatever they were read from. */
class Reader {
  readonly items: LayoutItem[] = [];
  readonly issues: LayoutIssue[] = [];
  readonly #seen = new Map<string, Position | undefined>();

  issue(message: string, position: Position | undefined): void {
    if (this.issues.length < MAX_ISSUES) this.issues.push({ message, position });
  }

  unknown(section: string, position: Position | undefined): void {
    const known = [...SECTIONS, ...SINGLES].join(", ");
    this.issue(`there is no section '${section}' (there are ${known})`, position);
  }

  add(key: string, value: unknown, position: Position | undefined, locate: LayoutItem["locate"]): void {
    if (this.#seen.has(key)) {
      const first = this.#seen.get(key);
      return this.issue(`two resources are '${key}'${first ? ` (the first is at line ${first.line})` : ""}`, position);
    }
    this.#seen.set(key, position);
    this.items.push({ key, json: JSON.stringify(value), position, locate });
  }

  /** One entry of a section. */
  resource(section: string, value: unknown, position: Position | undefined, locate: LayoutItem["locate"]): void {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.issue(`an entry of '${section}' is no object`, position);
    }
    const fields = value as Readonly<Record<string, unknown>>;
    const id = idOf(section, fields);
    if (id === undefined) {
      const wanted = section === "consumers" ? "'username'" : "'id'";
      return this.issue(`an entry of '${section}' has no ${wanted} (text or a number)`, position);
    }
    const key = `${section}/${id}`;
    const { credentials, ...rest } = fields;
    if (section !== "consumers" || !Array.isArray(credentials)) return this.add(key, fields, position, locate);
    this.add(key, rest, position, locate);
    credentials.forEach((credential: unknown, index) => {
      const place = locate(["credentials", index]);
      const own = (credential ?? {}) as Readonly<Record<string, unknown>>;
      const ownId = toId(own["id"]);
      if (ownId === undefined) return this.issue(`a credential of '${key}' has no 'id'`, place);
      this.add(`${key}/credentials/${ownId}`, credential, place, (path) => locate(["credentials", index, ...path]));
    });
  }
}

function toId(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The id that an entry of a section names itself by. */
export function idOf(section: string, fields: Readonly<Record<string, unknown>>): string | undefined {
  if (section !== "consumers") return toId(fields["id"]);
  const id = toId(fields["id"]);
  // A credential may stand beside its consumer, with the key that it has in etcd as its id.
  return id?.includes("/credentials/") ? id : toId(fields["username"]);
}

function readJson(text: string, marked: boolean): Layout | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const reader = new Reader();
  const nowhere = () => undefined;
  for (const [section, value] of Object.entries(content as object)) {
    if (section.startsWith("x-") || value === null) continue;
    if (SINGLES.has(section)) reader.add(section, value, undefined, nowhere);
    else if (!SECTIONS.has(section) || !Array.isArray(value)) return undefined;
    else for (const entry of value) reader.resource(section, entry, undefined, nowhere);
  }
  return { items: reader.items, issues: reader.issues, marked };
}

function readDocument(
  yaml: typeof import("yaml"),
  document: Document.Parsed<ParsedNode>,
  lines: LineCounter,
  marked: boolean,
): Layout {
  const reader = new Reader();
  const toPosition = (offset: number | undefined): Position | undefined => {
    if (offset === undefined) return undefined;
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const place = (node: unknown): Position | undefined => toPosition(yaml.isNode(node) ? node.range?.[0] : undefined);
  const finish = (): Layout => ({ items: reader.items, issues: reader.issues, marked });
  const toValue = (node: Node): unknown => node.toJS(document, { maxAliasCount: MAX_ALIASES });

  // Only the first: what follows a syntax error mostly follows from it.
  const [error] = document.errors;
  if (error) {
    reader.issue(firstLine(error.message), toPosition(error.pos[0]));
    return finish();
  }
  const root = document.contents;
  if (root === null || (yaml.isScalar(root) && root.value === null)) {
    reader.issue("the file is empty (write 'routes: []' for no routes)", undefined);
    return finish();
  }
  if (!yaml.isMap(root)) {
    reader.issue("the file is no object with sections, as in 'routes:'", place(root));
    return finish();
  }
  for (const { key, value: raw } of root.items) {
    const section = String(yaml.isScalar(key) ? key.value : key);
    const value = yaml.isAlias(raw) ? raw.resolve(document) : raw;
    if (section.startsWith("x-")) continue;
    if (!SECTIONS.has(section) && !SINGLES.has(section)) {
      reader.unknown(section, place(key));
    } else if (!yaml.isNode(value) || (yaml.isScalar(value) && value.value === null)) {
      continue;
    } else if (SINGLES.has(section)) {
      reader.add(section, toValue(value), place(value), (path) => locateIn(yaml, value, path, place));
    } else if (!yaml.isSeq(value)) {
      reader.issue(`the section '${section}' is no list`, place(value));
    } else {
      for (const entry of value.items) {
        const node = entry as Node;
        reader.resource(section, toValue(node), place(node), (path) => locateIn(yaml, node, path, place));
      }
    }
  }
  return finish();
}

/** Walks as far down as the path leads. */
function locateIn(
  yaml: typeof import("yaml"),
  from: Node,
  path: readonly (string | number)[],
  place: (node: unknown) => Position | undefined,
): Position | undefined {
  let node: unknown = from;
  let best = place(from);
  for (const step of path) {
    if (!yaml.isCollection(node)) break;
    const pair = yaml.isMap(node)
      ? node.items.find(({ key }) => String(yaml.isScalar(key) ? key.value : key) === String(step))
      : undefined;
    node = pair ? pair.value : node.get(step, true);
    best = place(pair?.key) ?? place(node) ?? best;
  }
  return best;
}

const firstLine = (text: string): string => text.split("\n", 1)[0]?.replace(/:$/, "") ?? "";
