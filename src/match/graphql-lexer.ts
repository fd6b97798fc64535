/** Reads a GraphQL document token by token. */
export interface Lexer {
  /** The current token: a name, a punctuator, a number or string, the end. */
  readonly kind: "name" | "mark" | "value" | "end";
  /** The current token's text; empty for strings and at the end. */
  readonly text: string;
  advance(): void;
  /** @throws {SyntaxError} always. */
  fail(): never;
}

/** White space, commas, comments. */
const IGNORED = /(?:[\s,\uFEFF]+|#[^\n\r]*)*/y;
const NAME = /[_A-Za-z][_0-9A-Za-z]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
const STRING = /"(?:[^"\\\n\r]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}))*"/y;
const MARK = /\.\.\.|[!$():=@[\]{|}&]/y;

/** Begins at the first token. Every step is linear in what it reads. */
export function createLexer(document: string): Lexer {
  let at = 0;
  const scan = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const text = pattern.exec(document)?.[0];
    if (text !== undefined) at += text.length;
    return text;
  };
  const lexer = {
    kind: "end" as Lexer["kind"],
    text: "",
    advance(): void {
      scan(IGNORED);
      const set = (kind: Lexer["kind"], text: string): void => {
        lexer.kind = kind;
        lexer.text = text;
      };
      if (at >= document.length) return set("end", "");
      const name = scan(NAME);
      if (name !== undefined) return set("name", name);
      const mark = scan(MARK);
      if (mark !== undefined) return set("mark", mark);
      if (document.startsWith('"""', at)) {
        at = endOfBlock(document, at + 3, lexer.fail);
        return set("value", "");
      }
      if (scan(NUMBER) === undefined && scan(STRING) === undefined) lexer.fail();
      set("value", "");
    },
    fail(): never {
      throw new SyntaxError(`Cannot read the GraphQL document as it is malformed near character ${at + 1}`);
    },
  };
  lexer.advance();
  return lexer;
}

/** After the `"""` that ends a block string; `\"""` does not. */
function endOfBlock(document: string, from: number, fail: () => never): number {
  let end = document.indexOf('"""', from);
  while (end > 0 && document[end - 1] === "\\") end = document.indexOf('"""', end + 3);
  return end < 0 ? fail() : end + 3;
}
