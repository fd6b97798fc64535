import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inTurns } from "../../../src/gateway/in-turns.ts";
import type { Explanation } from "../../../src/match/explanation.ts";
import { Matcher } from "../../../src/match/matcher.ts";
import type { MatchRequest } from "../../../src/match/route.ts";
import { request, route } from "../match/support.ts";

const ROUTES = 50_000;

/** Routes of which each is near to `GET /a/none`, and reads a variable to tell what it lacks. */
function manyRoutes(): Matcher<string> {
  const matcher = new Matcher<string>();
  for (let i = 0; i < ROUTES; i++) matcher.set(route(String(i), `/a/${i}`, { vars: [["arg_x", "==", "1"]] }), "");
  return matcher;
}

/** A clock that goes on by a millisecond at each look, so that every look is one too late. */
function hurried(): () => number {
  let time = 0;
  return () => time++;
}

describe("an explanation among 50,000 routes", () => {
  const matcher = manyRoutes();

  it("looks at a few routes between two turns of the event loop", async () => {
    const { variables, ...plain } = request("/a/none");
    let reads = 0, total = 0, most = 0, turns = 0;
    const counted: MatchRequest = {
      ...plain,
      variables: {
        read(variable) {
          reads++;
          return variables.read(variable);
        },
      },
    };
    const next = () => {
      most = Math.max(most, reads);
      total += reads;
      reads = 0;
      turns++;
      return Promise.resolve();
    };
    const told = await inTurns(matcher.explainInSteps(counted), { now: hurried(), next });
    assert.equal(told.nearest.length, 5);
    assert.ok(total >= ROUTES, `${total} reads`);
    // Each route may read its variable for its verdict, its parts and its text.
    assert.ok(most <= 16 * 3, `${most} reads in one turn`);
    assert.ok(turns >= ROUTES / 16, `${turns} turns`);
  });

  it("compares a few paths by their letters between two turns", async () => {
    let turns = 0;
    const next = () => Promise.resolve(void turns++);
    const told = await inTurns(matcher.explainInSteps(request("/other")), { now: hurried(), next });
    assert.equal(told.nearest.length, 3);
    // All are looked at, and the first thousand of them once more.
    assert.ok(turns >= (ROUTES + 1000) / 16, `${turns} turns`);
  });

  it("goes on while the event loop is not kept waiting", async () => {
    const next = () => Promise.reject(new Error("no turn is due"));
    assert.equal(
      (await inTurns(matcher.explainInSteps(request("/a/none")), { now: () => 0, next })).outcome,
      "not_found",
    );
  });

  it("tells of the routes as they were when it began", async () => {
    const expected: Explanation = matcher.explain(request("/a/none"));
    const changing = manyRoutes();
    let changed = 0;
    const next = () => {
      const id = String(changed++);
      if (changed % 2 === 0) changing.delete(id);
      else changing.set(route(id, "/a/none"), "");
      return Promise.resolve();
    };
    const told = await inTurns(changing.explainInSteps(request("/a/none")), { now: hurried(), next });
    assert.ok(changed > 1000, `${changed} changes`);
    assert.deepEqual(told, expected);
    assert.equal(changing.explain(request("/a/none")).outcome, "matched");
  });
});
