import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Matcher } from "../../../src/match/matcher.ts";
import { compileRegex, type Regex } from "../../../src/match/regex.ts";
import { request, route } from "./support.ts";

function compile(pattern: string, ignoreCase = false): Regex {
  const regex = compileRegex(pattern, ignoreCase);
  assert.notEqual(typeof regex, "string", typeof regex === "string" ? regex : "");
  return regex as Regex;
}

/** Patterns that take a backtracking engine longer than anybody waits, with the text that does it. */
const hostile: readonly (readonly [pattern: string, text: string])[] = [
  ["(a+)+$", `${"a".repeat(50_000)}!`],
  ["(a*)*b", "a".repeat(50_000)],
  ["(a|a)*$", `${"a".repeat(50_000)}!`],
  ["(a|aa)+$", `${"a".repeat(50_000)}!`],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(50_000)],
  ["(.*)*x(.*)*y(.*)*z", "x".repeat(20_000)],
  ["^(\\w+\\s?)*$", `${"word ".repeat(10_000)}!`],
  ["(?:.|\\n)*(?:.|\\n)*(?:.|\\n)*=$", "\n".repeat(30_000)],
  ["(x+x+)+y", "x".repeat(50_000)],
  ["([0-9]+)*,([0-9]+)*,([0-9]+)*;", "1".repeat(50_000)],
  // The text holds all that the pattern cannot do without, so that no short cut answers.
  ["(a|b)*a(a|b){100}!", `!${"ab".repeat(25_000)}`],
  ["[ab]*a[ab]{400}c", `c${"aab".repeat(20_000)}`],
];

describe("compileRegex", () => {
  for (const [pattern, text] of hostile) {
    it(`searches for ${pattern} in ${text.length} characters in linear time`, () => {
      const regex = compile(pattern);
      const start = performance.now();
      regex.search(text);
      const took = performance.now() - start;
      assert.ok(took < 3000, `it took ${took} ms`);
    });
  }

  it("does not let a hostile path pattern stall a match", () => {
    const matcher = new Matcher<number>();
    assert.deepEqual(matcher.set(route("1", "/a/*/(b+)+/*/(c|cc)+/x"), 1), []);
    const start = performance.now();
    assert.equal(matcher.match(request(`/a/${"b/".repeat(3000)}${"c".repeat(3000)}`)), undefined);
    assert.ok(performance.now() - start < 3000);
  });

  it("searches at most the first 8,192 characters", () => {
    assert.equal(compile("b").search(`${"a".repeat(8_191)}b`), true);
    assert.equal(compile("b").search(`${"a".repeat(8_192)}b`), false);
  });

  it("compiles a pattern that would repeat itself millions of times neither slowly nor at all", () => {
    const start = performance.now();
    assert.equal(typeof compileRegex("((a{1000}){1000}){1000}", false), "string");
    assert.ok(performance.now() - start < 3000);
  });

  it("refuses a pattern that repeats too much, and says so", () => {
    assert.match(
      compileRegex("(a|b)*a(a|b){900}", false) as string,
      /compiles to at most 1000 instructions, is .*: it has \d+; repeat less$/,
    );
  });

  it("ignores case where asked, beyond ASCII too", () => {
    assert.equal(compile("ÄB", true).search("xäb"), true);
    assert.equal(compile("ÄB", false).search("xäb"), false);
  });

  const refused = ["(a)\\1", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?>a)", "a++", "(?R)", "[", "(", "*a", "a{2,1}"];
  for (const pattern of refused) {
    it(`refuses ${pattern} and says what it must be`, () => {
      assert.match(compileRegex(pattern, false) as string, /^must be a regular expression of RE2's syntax .*, is "/);
    });
  }

  it("takes the whole of a text as a search would that prefers the first alternative", () => {
    assert.deepEqual(compile("(?P<x>a|ab)(?P<y>c?)").whole("ac", ["x", "y"]), ["a", "c"]);
    assert.equal(compile("(?P<x>a|ab)").whole("ab", ["x"]), undefined);
    assert.equal(compile("b").whole("ab", []), undefined);
  });
});
