import { createLexer, type Lexer } from "./graphql-lexer.ts";

/** What can be asked of a GraphQL request; nothing where it is none. */
export interface GraphqlFacts {
  /** `query`, `mutation` or `subscription`; nothing where a fragment comes first. */
  readonly operation?: string;
  /** Empty for an operation without a name. */
  readonly name?: string;
  /** Names of the fields and fragments that the operation itself selects; not their aliases. */
  readonly rootFields?: readonly string[];
}

/** Most bytes of a GraphQL request that is looked at, as in APISIX (`GRAPHQL_DEFAULT_MAX_SIZE`). */
export const MAX_GRAPHQL_BYTES = 1_048_576;

/** Deepest nesting that is accepted. */
const MAX_DEPTH = 200;

/**
 * Finds what the first operation of a GraphQL document asks for, as APISIX does (`apisix/core/ctx.lua`, `get_parsed_graphql`). The whole document must be
 * well-formed (GraphQL October 2021, executable definitions); otherwise there are no facts, so that a route for an operation takes nothing that its
 * upstream would read differently.
 *
 * @param text The document, or a JSON object with the document in `query`.
 */
export function graphqlFacts(text: string, json: boolean): GraphqlFacts {
  const document = json ? queryOf(text) : text;
  if (document === undefined || document.length > MAX_GRAPHQL_BYTES) return {};
  try {
    return parseDocument(createLexer(document));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function queryOf(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const query = typeof body === "object" && body !== null && "query" in body ? body.query : undefined;
    return typeof query === "string" ? query : undefined;
  } catch {
    return undefined;
  }
}

function parseDocument(lexer: Lexer): GraphqlFacts {
  const first = parseDefinition(lexer);
  while (lexer.kind !== "end") parseDefinition(lexer);
  return first;
}

function parseDefinition(lexer: Lexer): GraphqlFacts {
  if (lexer.text === "{") return { operation: "query", name: "", rootFields: parseSelections(lexer, 0) };
  const keyword = takeName(lexer);
  if (keyword === "fragment") {
    const name = takeName(lexer);
    if (name === "on" || takeName(lexer) !== "on") lexer.fail();
    takeName(lexer);
    parseDirectives(lexer);
    return { name, rootFields: parseSelections(lexer, 0) };
  }
  if (keyword !== "query" && keyword !== "mutation" && keyword !== "subscription") lexer.fail();
  const name = lexer.kind === "name" ? takeName(lexer) : "";
  if (lexer.text === "(") parseVariableDefinitions(lexer);
  parseDirectives(lexer);
  return { operation: keyword, name, rootFields: parseSelections(lexer, 0) };
}

/** @returns The names of fields and fragment spreads, those of the inner ones left out. */
function parseSelections(lexer: Lexer, depth: number): string[] {
  deeper(lexer, depth);
  take(lexer, "{");
  const names: string[] = [];
  do {
    if (skip(lexer, "...")) {
      if (lexer.kind === "name" && lexer.text !== "on") {
        names.push(takeName(lexer));
        parseDirectives(lexer);
        continue;
      }
      if (lexer.text === "on") {
        takeName(lexer);
        takeName(lexer);
      }
      parseDirectives(lexer);
      parseSelections(lexer, depth + 1);
      continue;
    }
    let name = takeName(lexer);
    if (skip(lexer, ":")) name = takeName(lexer);
    names.push(name);
    parseArguments(lexer);
    parseDirectives(lexer);
    if (lexer.text === "{") parseSelections(lexer, depth + 1);
  } while (lexer.text !== "}");
  take(lexer, "}");
  return names;
}

function parseVariableDefinitions(lexer: Lexer): void {
  take(lexer, "(");
  do {
    take(lexer, "$");
    takeName(lexer);
    take(lexer, ":");
    parseType(lexer, 0);
    if (skip(lexer, "=")) parseValue(lexer, 0);
    parseDirectives(lexer);
  } while (lexer.text !== ")");
  take(lexer, ")");
}

function parseType(lexer: Lexer, depth: number): void {
  deeper(lexer, depth);
  if (skip(lexer, "[")) {
    parseType(lexer, depth + 1);
    take(lexer, "]");
  } else takeName(lexer);
  skip(lexer, "!");
}

function parseDirectives(lexer: Lexer): void {
  while (skip(lexer, "@")) {
    takeName(lexer);
    parseArguments(lexer);
  }
}

function parseArguments(lexer: Lexer): void {
  if (!skip(lexer, "(")) return;
  do {
    takeName(lexer);
    take(lexer, ":");
    parseValue(lexer, 0);
  } while (lexer.text !== ")");
  take(lexer, ")");
}

function parseValue(lexer: Lexer, depth: number): void {
  deeper(lexer, depth);
  if (skip(lexer, "$")) takeName(lexer);
  else if (skip(lexer, "[")) {
    while (!skip(lexer, "]")) parseValue(lexer, depth + 1);
  } else if (skip(lexer, "{")) {
    while (!skip(lexer, "}")) {
      takeName(lexer);
      take(lexer, ":");
      parseValue(lexer, depth + 1);
    }
  } else if (lexer.kind === "name" || lexer.kind === "value") lexer.advance();
  else lexer.fail();
}

function deeper(lexer: Lexer, depth: number): void {
  if (depth > MAX_DEPTH) lexer.fail();
}

function takeName(lexer: Lexer): string {
  if (lexer.kind !== "name") lexer.fail();
  const name = lexer.text;
  lexer.advance();
  return name;
}

function take(lexer: Lexer, mark: string): void {
  if (!skip(lexer, mark)) lexer.fail();
}

function skip(lexer: Lexer, mark: string): boolean {
  if (lexer.kind !== "mark" || lexer.text !== mark) return false;
  lexer.advance();
  return true;
}
