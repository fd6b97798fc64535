import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileExpression } from "../../../src/match/expression.ts";
import { toNumber } from "../../../src/match/operators.ts";
import { NO_PARAMS } from "../../../src/match/path-pattern.ts";
import type { MatchIssue } from "../../../src/match/route.ts";
import type { VariableValue } from "../../../src/match/variable-value.ts";
import { NEEDS_BODY, type VariableReader } from "../../../src/match/variable.ts";

const values: Readonly<Record<string, VariableValue>> = {
  one: "1",
  ten: "10",
  word: "Hello",
  lower: "hello",
  empty: "",
  bare: true,
  off: false,
  number: 7,
  nothing: null,
  list: ["a", "b", 3],
  none: [],
  object: { a: "b" },
  four: "10.1.2.3",
  six: "2001:db8::1",
  mapped: "::ffff:10.1.2.3",
  hex: "0x1F",
  spaced: " 12 ",
  exponent: "1e3",
  nan: "nan",
  inf: "inf",
};

const reader: VariableReader = {
  read: ({ name, needsBody }) => (needsBody ? NEEDS_BODY : values[name]),
};

function test(rule: unknown): string {
  const issues: MatchIssue[] = [];
  const expression = compileExpression(rule, "vars", issues);
  if (issues.length > 0) return issues.map(({ path, message }) => `${path}: ${message}`).join("\n");
  return expression?.test(reader, NO_PARAMS) ?? "pass";
}

function check(rows: readonly (readonly [rule: unknown, verdict: string])[]): void {
  for (const [rule, verdict] of rows) {
    it(`${JSON.stringify(rule)} ${verdict === "body" ? "needs the body" : `${verdict}es`}`, () =>
      assert.equal(test(rule), verdict));
  }
}

describe("comparisons of vars", () => {
  describe("== and ~=", () => {
    check([
      [[["one", "==", "1"]], "pass"],
      [[["one", "==", "2"]], "fail"],
      [[["one", "==", 1]], "pass"],
      [[["ten", "==", 10.0]], "pass"],
      [[["hex", "==", 31]], "pass"],
      [[["spaced", "==", 12]], "pass"],
      [[["exponent", "==", 1000]], "pass"],
      [[["word", "==", 1]], "fail"],
      [[["word", "~=", 1]], "pass"],
      [[["empty", "==", 0]], "fail"],
      [[["number", "==", 7]], "pass"],
      // As in Lua, a number is no string, whatever it says.
      [[["number", "==", "7"]], "fail"],
      [[["missing", "==", "1"]], "fail"],
      [[["missing", "~=", "1"]], "pass"],
      [[["missing", "==", 1]], "fail"],
      [[["missing", "~=", 1]], "pass"],
      [[["missing", "==", null]], "pass"],
      [[["missing", "~=", null]], "fail"],
      [[["one", "~=", null]], "pass"],
      [[["one", "~="]], "pass"],
      [[["missing", "~="]], "fail"],
      [[["missing", "=="]], "pass"],
      [[["empty", "==", ""]], "pass"],
      [[["bare", "==", true]], "pass"],
      [[["bare", "==", "true"]], "fail"],
      [[["off", "==", false]], "pass"],
      [[["list", "==", ["a", "b", 3]]], "fail"],
      [[["object", "~=", { a: "b" }]], "pass"],
      [[["nan", "==", 1]], "fail"],
      [[["nan", "~=", 1]], "pass"],
    ]);
  });

  describe("two parts", () => {
    check([
      [[["one", "1"]], "pass"],
      // The value is put in lower case, the variable is not.
      [[["lower", "HELLO"]], "pass"],
      [[["word", "Hello"]], "fail"],
      [[["one", 1]], "pass"],
      [[["missing", "x"]], "fail"],
    ]);
  });

  describe("> >= < <=", () => {
    check([
      [[["ten", ">", 9]], "pass"],
      [[["ten", ">", "9"]], "pass"],
      [[["ten", ">", 10]], "fail"],
      [[["ten", ">=", 10]], "pass"],
      [[["ten", "<", 11]], "pass"],
      [[["ten", "<=", "10"]], "pass"],
      [[["ten", "<", 10]], "fail"],
      [[["word", ">", 1]], "fail"],
      [[["word", "<", 1]], "fail"],
      [[["ten", ">", "word"]], "fail"],
      [[["missing", "<", 1]], "fail"],
      [[["missing", ">=", null]], "fail"],
      [[["bare", ">", 0]], "fail"],
      [[["inf", ">", 1e300]], "pass"],
      [[["nan", ">=", 0]], "fail"],
    ]);
  });

  describe("~~ and ~*", () => {
    check([
      [[["word", "~~", "^H[a-z]+$"]], "pass"],
      [[["word", "~~", "ell"]], "pass"],
      [[["word", "~~", "^ell"]], "fail"],
      [[["word", "~~", "hello"]], "fail"],
      [[["word", "~*", "HELLO"]], "pass"],
      [[["one", "~~", 1]], "pass"],
      [[["missing", "~~", ".*"]], "fail"],
      [[["off", "~~", ".*"]], "fail"],
      [[["bare", "~~", "true"]], "pass"],
      [[["number", "~~", "^7$"]], "pass"],
      [[["list", "~~", "a"]], "fail"],
      [[["empty", "~~", "^$"]], "pass"],
    ]);
  });

  describe("in and has", () => {
    check([
      [[["one", "in", ["1", "2"]]], "pass"],
      [[["one", "IN", ["1", "2"]]], "pass"],
      [[["one", "in", ["2"]]], "fail"],
      [[["one", "in", [1]]], "fail"],
      [[["one", "in", "1"]], "fail"],
      [[["one", "in", {}]], "fail"],
      [[["missing", "in", ["1", null]]], "fail"],
      [[["number", "in", [7]]], "pass"],
      [[["list", "has", "a"]], "pass"],
      [[["list", "has", 3]], "pass"],
      [[["list", "has", "3"]], "fail"],
      [[["list", "has", "c"]], "fail"],
      [[["none", "has", "a"]], "fail"],
      [[["word", "has", "H"]], "fail"],
      [[["missing", "has", "a"]], "fail"],
      [[["object", "has", "b"]], "fail"],
    ]);
  });

  describe("ipmatch", () => {
    check([
      [[["four", "ipmatch", "10.0.0.0/8"]], "pass"],
      [[["four", "ipmatch", ["192.168.0.0/16", "10.1.2.3"]]], "pass"],
      [[["four", "ipmatch", ["192.168.0.0/16"]]], "fail"],
      [[["six", "ipmatch", "2001:db8::/32"]], "pass"],
      [[["mapped", "ipmatch", "10.0.0.0/8"]], "pass"],
      [[["word", "ipmatch", "0.0.0.0/0"]], "fail"],
      [[["missing", "ipmatch", "0.0.0.0/0"]], "fail"],
      [[["missing", "!", "ipmatch", "0.0.0.0/0"]], "pass"],
    ]);
  });

  describe("negation", () => {
    check([
      [[["one", "!", "==", "1"]], "fail"],
      [[["one", "!", "==", "2"]], "pass"],
      [[["missing", "!", "==", "2"]], "pass"],
      [[["one", "!", "in", ["2"]]], "pass"],
      [[["word", "!", "~~", "^H"]], "fail"],
      [[["ten", "!", ">", 5]], "fail"],
      [[["list", "!", "has", "c"]], "pass"],
    ]);
  });
});

describe("logic of vars", () => {
  const yes = ["one", "==", "1"];
  const no = ["one", "==", "2"];
  const unknown = ["post_arg_x", "==", "1"];
  check([
    [[], "pass"],
    [{}, "pass"],
    [undefined, "pass"],
    [null, "pass"],
    [[yes, yes], "pass"],
    [[yes, no], "fail"],
    [["AND", yes, yes], "pass"],
    [["AND", yes, no], "fail"],
    [["OR", no, yes], "pass"],
    [["OR", no, no], "fail"],
    [["or", no, yes], "pass"],
    [["!AND", yes, yes], "fail"],
    [["!AND", yes, no], "pass"],
    [["!OR", no, no], "pass"],
    [["!OR", no, yes], "fail"],
    [["AND", yes, ["OR", no, ["!AND", yes, no]]], "pass"],
    [["OR", no, [yes, ["AND", yes, no]]], "fail"],
    [[["OR", no, yes], ["!OR", no, no]], "pass"],
    [[[[yes]]], "pass"],
    // What is known may decide without the body.
    [[unknown], "body"],
    [[no, unknown], "fail"],
    [[unknown, no], "fail"],
    [[yes, unknown], "body"],
    [["OR", unknown, yes], "pass"],
    [["OR", unknown, no], "body"],
    [["!OR", unknown, yes], "fail"],
    [["!AND", unknown, no], "pass"],
    [["!AND", unknown, yes], "body"],
    [[["post_arg_x", "!", "==", "1"]], "body"],
  ]);
});

describe("expressions that cannot be read", () => {
  const rows: readonly (readonly [rule: unknown, said: RegExp])[] = [
    ["arg_a", /^vars: must be a list, is "arg_a"$/],
    [7, /^vars: must be a list, is 7$/],
    [{ a: 1 }, /^vars: must be a list, is an object$/],
    [["arg_a", "==", "1"], /^vars: must hold each comparison as a list of its own/],
    [[["arg_a"]], /^vars\[0\]: must have an operator and a value$/],
    [[[]], /^vars\[0\]: must be a list that is not empty/],
    [[["arg_a", "=", "1"]], /^vars\[0\]: must have one of == .* as its operator, has "="$/],
    [[["arg_a", null]], /as its operator, has null$/],
    [[["arg_a", ["x"], "1"]], /as its operator, has an array$/],
    [[["arg_a", "not", "==", "1"]], /^vars\[0\]: must have "!" as the second of four parts, has "not"$/],
    [[["arg_a", "!", "=", "1"]], /as its operator, has "="$/],
    [[[1, "==", "1"]], /^vars\[0\]\[0\]: must be the name of a variable, is 1$/],
    [[["", "==", "1"]], /^vars\[0\]\[0\]: must be the name of a variable, is ""$/],
    [["AND", ["arg_a", "==", "1"]], /^vars: must have two expressions or more after "AND"$/],
    [["AND"], /^vars: must have two expressions or more after "AND"$/],
    [["AND", ["arg_a", "==", "1"], "x"], /^vars\[2\]: must be a list that is not empty, is "x"$/],
    [
      [["arg_a", "~~", "[0"]],
      /^vars\[0\]\[2\]: must be a regular expression of RE2's syntax .*, is "\[0": missing closing \]/,
    ],
    [[["arg_a", "~~", "(a)\\1"]], /^vars\[0\]\[2\]: must be a regular expression of RE2's syntax/],
    [[["arg_a", "~*", "(?=a)b"]], /look-around/],
    [[["arg_a", "~~"]], /^vars\[0\]\[1\]: must be a regular expression, is missing$/],
    [[["arg_a", "!", "~~", ["a"]]], /^vars\[0\]\[3\]: must be a regular expression, is an array$/],
    [[["arg_a", "~~", "a".repeat(5000)]], /of at most 4096 characters, has 5000$/],
    [
      [["arg_a", "ipmatch", "10.0.0.0/40"]],
      /^vars\[0\]\[2\]: must have a prefix length from 0 to 32, is "10.0.0.0\/40"$/,
    ],
    [[["arg_a", "ipmatch", []]], /must be an address, a CIDR range or a list of them, is an empty array$/],
    [[["arg_a", "ipmatch", ""]], /must be an address, a CIDR range or a list of them/],
    [[["arg_a", "ipmatch"]], /must be an address, a CIDR range or a list of them, is missing$/],
    [[["post_arg.a[?(@.b)]", "==", "1"]], /^vars\[0\]\[0\]: must be a JSONPath of names/],
    [[["arg_a", "==", "1"], ["arg_b", "?", "1"]], /^vars\[1\]: /],
  ];
  for (const [rule, said] of rows) {
    it(`${JSON.stringify(rule)?.slice(0, 60)}: ${said.source}`, () => assert.match(test(rule), said));
  }

  it("refuses nesting that was made to do harm, without overflowing", () => {
    let rule: unknown = ["arg_a", "==", "1"];
    for (let i = 0; i < 100_000; i++) rule = [rule];
    assert.match(test(rule), /must be nested at most 32 deep$/);
  });

  it("names every comparison that is wrong", () => {
    assert.deepEqual(
      test([["a", "?", 1], ["b", "==", 1], ["OR", ["c", "~~", "("], ["d", "ipmatch", "x"]]]).split("\n").map((line) =>
        line.split(":")[0]
      ),
      [
        "vars[0]",
        "vars[2][1][2]",
        "vars[2][2][2]",
      ],
    );
  });
});

describe("toNumber", () => {
  const rows: readonly (readonly [value: unknown, number: number | undefined])[] = [
    ["12", 12],
    ["-1.5", -1.5],
    ["+3", 3],
    [".5", 0.5],
    ["5.", 5],
    ["1E-2", 0.01],
    ["0x10", 16],
    ["-0xff", -255],
    ["\t7\n", 7],
    ["", undefined],
    [" ", undefined],
    ["12a", undefined],
    ["1_000", undefined],
    ["0b1", undefined],
    ["1e", undefined],
    [".", undefined],
    [true, undefined],
    [null, undefined],
    [[], undefined],
  ];
  for (const [value, number] of rows) {
    it(`reads ${JSON.stringify(value)} as ${number}`, () => assert.equal(toNumber(value), number));
  }
});
