import type { Document, Node, Pair, YAMLMap, YAMLSeq } from "yaml";
import { type Write, WriteError } from "../store/writable.ts";
import { END, idOf, type LayoutItem, parseLayout, SINGLES } from "./file-layout.ts";

type Yaml = typeof import("yaml");
type Fields = Record<string, unknown>;

/** A key, and what it is to hold; undefined where it is to go. */
type Edits = ReadonlyMap<string, unknown>;

/**
 * Writes resources into a file's text. Comments, the order of resources and of their fields, and how untouched values are written stay as they
 * are; a new resource comes last in its section.
 *
 * @throws WriteError `refused` where the text would mean anything else than what was asked for, as where a resource is made of another's anchors.
 */
export async function editLayout(text: string, { puts = [], deletes = [] }: Write): Promise<string> {
  const before = await parseLayout(text, { positions: false });
  const edits = new Map<string, unknown>();
  for (const key of deletes) edits.set(key, undefined);
  for (const { key, value } of puts) edits.set(key, toEntry(key, value));
  const wanted = new Map(before.items.map(({ key, json }): [string, unknown] => [key, JSON.parse(json)]));
  for (const [key, value] of edits) {
    if (value === undefined) wanted.delete(key);
    else wanted.set(key, value);
  }
  if (isSame(before.items, wanted)) return text;
  const edited = /^\ufeff?\s*\{/.test(text) ? editJson(text, edits) : await editYaml(text, edits);
  const { items, issues } = await parseLayout(edited, { positions: false });
  if (issues.length > 0 || !isSame(items, wanted)) {
    const why = issues[0]?.message ?? "resources of the file share parts by anchors, or merge them";
    throw new WriteError(
      "refused",
      `Cannot change ${[...edits.keys()].join(", ")} in the file: ${why}; edit it by hand`,
    );
  }
  return edited;
}

function isSame(items: readonly LayoutItem[], wanted: ReadonlyMap<string, unknown>): boolean {
  return items.length === wanted.size &&
    items.every(({ key, json }) =>
      wanted.has(key) && canonical(key, JSON.parse(json)) === canonical(key, wanted.get(key))
    );
}

/** As JSON with its fields in order. A credential's id is written in two ways, depending on where it stands. */
function canonical(key: string, value: unknown): string {
  const compared = key.includes("/credentials/") && isFields(value) ? { ...value, id: undefined } : value;
  return JSON.stringify(compared, (_, each: unknown) => isFields(each) ? sorted(each) : each);
}

function sorted(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => a < b ? -1 : 1));
}

/** What the file holds for a key: the value, which names itself there. */
function toEntry(key: string, bytes: Uint8Array): unknown {
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (SINGLES.has(key)) return value;
  const { section, id } = split(key);
  const fields = value as Fields;
  // What names it is read first.
  if (idOf(section, fields) === id) return "id" in fields ? { id: fields["id"], ...fields } : value;
  const nested = id.split("/credentials/")[1];
  if (section === "consumers" && nested === undefined) return { username: id, ...fields };
  // A credential within its consumer has its own id, one beside it the whole; either names it.
  return nested !== undefined && String(fields["id"]) === nested
    ? { id: fields["id"], ...fields }
    : { id: nested ?? id, ...without(fields, "id") };
}

function split(key: string): { readonly section: string; readonly id: string } {
  const slash = key.indexOf("/");
  return { section: key.slice(0, slash), id: key.slice(slash + 1) };
}

/** JSON has no comments: what is left to keep is the order, and how far it is indented. */
function editJson(text: string, edits: Edits): string {
  const end = END.exec(text)?.[0] ?? "";
  const body = text.slice(0, text.length - end.length).replace(/^\ufeff/, "");
  const root = JSON.parse(body) as Fields;
  for (const [key, value] of edits) {
    if (SINGLES.has(key)) {
      if (value === undefined) delete root[key];
      else root[key] = value;
      continue;
    }
    const { section, id } = split(key);
    const [parent, own] = id.split("/credentials/");
    const list = (root[section] ??= []) as Fields[];
    const consumer = own === undefined ? undefined : list.find((each) => idOf(section, each) === parent);
    const nested = consumer === undefined ? undefined : (consumer["credentials"] ??= []) as Fields[];
    const at = list.findIndex((each) => idOf(section, each) === id);
    const inside = nested?.findIndex((each) => String(each["id"]) === own) ?? -1;
    if (value === undefined) {
      if (at >= 0) list.splice(at, 1);
      if (inside >= 0) nested?.splice(inside, 1);
    } else if (at >= 0) list[at] = beside(value, id, own, list[at]);
    else if (inside >= 0) nested![inside] = value as Fields;
    else if (nested !== undefined) nested.push(value as Fields);
    else list.push(beside(value, id, own));
    if (nested?.length === 0) delete consumer!["credentials"];
  }
  const indent = /\n([ \t]+)\S/.exec(body)?.[1] ?? (body.includes("\n") ? "  " : undefined);
  return `${JSON.stringify(root, null, indent)}${end === "" ? /\n?$/.exec(body)![0] : `\n${end.trimStart()}`}`;
}

/** As an entry of its section: a credential that stands there names its consumer; nested credentials of a consumer stay. */
function beside(value: unknown, id: string, own: string | undefined, before?: Fields): Fields {
  if (own !== undefined) return { ...value as Fields, id };
  return before?.["credentials"] === undefined
    ? value as Fields
    : { ...value as Fields, credentials: before["credentials"] };
}

async function editYaml(text: string, edits: Edits): Promise<string> {
  const yaml = await import("yaml");
  // Kept apart, since a comment at the end would get an empty line before it.
  const end = END.exec(text)?.[0] ?? "";
  const document = yaml.parseDocument(text.slice(0, text.length - end.length).replace(/^\ufeff/, ""), {
    merge: true,
    uniqueKeys: true,
    keepSourceTokens: false,
  });
  if (!yaml.isMap(document.contents)) document.contents = document.createNode({}) as never;
  const root = document.contents as unknown as YAMLMap;
  for (const [key, value] of edits) editOne(yaml, document, root, key, value);
  const flush = /^[A-Za-z_]+:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*- /m.test(text);
  try {
    const edited = document.toString({ lineWidth: 0, indentSeq: !flush, flowCollectionPadding: /\{ /.test(text) });
    return end === "" ? edited : `${edited.trimEnd()}\n${end.trimStart()}`;
  } catch (error) {
    throw new WriteError("refused", `Cannot write the file: ${(error as Error).message}; edit it by hand`);
  }
}

function editOne(yaml: Yaml, document: Document, root: YAMLMap, key: string, value: unknown): void {
  if (SINGLES.has(key)) {
    if (value === undefined) root.delete(key);
    else setIn(yaml, document, root, key, value);
    return;
  }
  const { section, id } = split(key);
  const [parent, own] = id.split("/credentials/");
  const list = sequence(yaml, document, root, section, value !== undefined);
  if (list === undefined) return;
  const fieldsOf = (node: unknown): Fields => {
    const fields: unknown = yaml.isNode(node) ? node.toJS(document, { maxAliasCount: 100 }) : node;
    return typeof fields === "object" && fields !== null ? fields as Fields : {};
  };
  const at = list.items.findIndex((node) => idOf(section, fieldsOf(node)) === id);
  const consumer = own === undefined ? undefined : list.items.find((node) => idOf(section, fieldsOf(node)) === parent);
  const nested = yaml.isMap(consumer)
    ? sequence(yaml, document, consumer, "credentials", at < 0 && value !== undefined)
    : undefined;
  const inside = nested?.items.findIndex((node) => String(fieldsOf(node)["id"]) === own) ?? -1;
  if (value === undefined) {
    if (at >= 0) list.delete(at);
    if (inside >= 0) nested?.delete(inside);
    if (nested?.items.length === 0) (consumer as YAMLMap).delete("credentials");
  } else if (at >= 0) {
    list.items[at] = change(yaml, document, list.items[at], beside(value, id, own, fieldsOf(list.items[at])));
  } else if (inside >= 0) nested!.items[inside] = change(yaml, document, nested!.items[inside], value);
  else if (nested !== undefined) add(document, nested, value);
  else add(document, list, beside(value, id, own));
}

/** The list under a name; made where there is none and it is `wanted`. */
function sequence(yaml: Yaml, document: Document, map: YAMLMap, name: string, wanted: boolean): YAMLSeq | undefined {
  const pair = map.items.find(({ key }) => String(yaml.isScalar(key) ? key.value : key) === name);
  if (yaml.isSeq(pair?.value)) return pair.value;
  if (!wanted) return undefined;
  const made = document.createNode([]) as YAMLSeq;
  if (pair === undefined) map.items.push(document.createPair(name, made) as Pair);
  else pair.value = made;
  return made;
}

function add(document: Document, list: YAMLSeq, value: unknown): void {
  // An empty list is written [], and what is added would stand within the brackets.
  if (list.items.length === 0) list.flow = false;
  list.items.push(document.createNode(value));
}

/** Makes a node mean a value, and keeps whatever of it means that already, with its comments. */
function change(yaml: Yaml, document: Document, node: unknown, value: unknown): unknown {
  if (yaml.isMap(node) && isFields(value) && !node.items.some(({ key }) => isMerge(yaml, key))) {
    for (const { key } of [...node.items]) {
      const name = String(yaml.isScalar(key) ? key.value : key);
      if (!Object.hasOwn(value, name)) node.delete(key);
    }
    for (const [name, each] of Object.entries(value)) setIn(yaml, document, node, name, each);
    return node;
  }
  if (yaml.isSeq(node) && Array.isArray(value)) {
    node.items.length = Math.min(node.items.length, value.length);
    value.forEach((each, index) => {
      if (index < node.items.length) node.items[index] = change(yaml, document, node.items[index], each);
      else add(document, node, each);
    });
    return node;
  }
  if (yaml.isNode(node) && !yaml.isCollection(node)) {
    if (node.toJS(document) === value) return node;
    if (yaml.isScalar(node) && (typeof value !== "object" || value === null) && typeof node.value === typeof value) {
      node.value = value;
      // How a number was written (0x1f, 1e3) is no way to write another.
      delete node.format;
      delete node.source;
      return node;
    }
  }
  const made = document.createNode(value) as Node;
  if (yaml.isNode(node)) {
    if (node.comment) made.comment = node.comment;
    if (node.commentBefore) made.commentBefore = node.commentBefore;
  }
  return made;
}

function setIn(yaml: Yaml, document: Document, map: YAMLMap, name: string, value: unknown): void {
  const pair = map.items.find(({ key }) => String(yaml.isScalar(key) ? key.value : key) === name);
  if (pair === undefined) map.items.push(document.createPair(name, value) as Pair);
  else pair.value = change(yaml, document, pair.value, value);
}

function isMerge(yaml: Yaml, key: unknown): boolean {
  return yaml.isScalar(key) && (key.value === "<<" || typeof key.value === "symbol");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function without(fields: Fields, name: string): Fields {
  const { [name]: _, ...rest } = fields;
  return rest;
}
