/** One matcher of a rule, as in ``Host(`a.com`)``. */
export interface RuleMatcher {
  readonly name: string;
  readonly args: readonly string[];
  readonly not: boolean;
}

/** Most conjunctions that a rule is multiplied out to. */
const MAX_PARTS = 64;

/**
 * Reads a rule of Traefik's routers: matchers joined by `&&`, `||`, `!` and parentheses.
 *
 * @returns Conjunctions, one of which must hold; or what is wrong with the rule.
 */
export function parseRule(rule: string): readonly (readonly RuleMatcher[])[] | string {
  const tokens = rule.match(/&&|\|\||[!(),]|[A-Za-z]+|`[^`]*`|"(?:[^"\\]|\\.)*"|\S/g) ?? [];
  let at = 0;
  const fail = (wanted: string): never => {
    throw new SyntaxError(`${wanted} is missing at ${tokens[at] === undefined ? "its end" : `"${tokens[at]}"`}`);
  };
  type Parts = readonly (readonly RuleMatcher[])[];
  const or = (): Parts => {
    let parts = and();
    while (tokens[at] === "||") {
      at++;
      parts = [...parts, ...and()];
    }
    return parts;
  };
  const and = (): Parts => {
    let parts = one();
    while (tokens[at] === "&&") {
      at++;
      const right = one();
      parts = parts.flatMap((a) => right.map((b) => [...a, ...b]));
      if (parts.length > MAX_PARTS) throw new SyntaxError(`it stands for more than ${MAX_PARTS} routes`);
    }
    return parts;
  };
  const one = (): Parts => {
    if (tokens[at] === "(") {
      at++;
      const inner = or();
      if (tokens[at++] !== ")") fail("a closing parenthesis");
      return inner;
    }
    const not = tokens[at] === "!";
    if (not) at++;
    const name = tokens[at++];
    if (name === undefined || !/^[A-Za-z]+$/.test(name)) return fail("a matcher such as Host(`a.com`)");
    if (tokens[at++] !== "(") return fail(`what ${name} matches`);
    const args: string[] = [];
    while (at < tokens.length && tokens[at] !== ")") {
      const token = tokens[at++]!;
      if (token.startsWith("`")) args.push(token.slice(1, -1));
      else if (token.startsWith('"')) args.push(JSON.parse(token) as string);
      else if (token !== ",") return fail("a text in backquotes");
    }
    if (tokens[at++] !== ")") return fail("a closing parenthesis");
    return [[{ name, args, not }]];
  };
  try {
    const parts = or();
    return at < tokens.length ? `"${tokens[at]}" is not expected` : parts;
  } catch (error) {
    return (error as Error).message;
  }
}
