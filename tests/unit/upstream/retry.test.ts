import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "../../../src/errors.ts";
import { decideRetry, type FailedTry, isIdempotent } from "../../../src/upstream/retry.ts";
import { RetryBudget } from "../../../src/upstream/retry-budget.ts";

const base: FailedTry = { code: "reset", sent: true, method: "GET", replayable: true, tries: 1, elapsed: 10 };
const limits = { retries: 2, timeout: 0 };

function decide(failed: Partial<FailedTry>, some: Partial<typeof limits> = {}, budget = true): string {
  const decision = decideRetry({ ...base, ...failed }, { ...limits, ...some }, () => budget);
  return decision.retry ? "retry" : decision.reason;
}

describe("decideRetry", () => {
  for (const method of ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]) {
    it(`sends ${method} a second time`, () => {
      assert.ok(isIdempotent(method));
      assert.equal(decide({ method }), "retry");
    });
  }

  for (const method of ["POST", "PATCH", "CONNECT", "PURGE", "get"]) {
    it(`sends ${method} a second time only where nothing of it was sent`, () => {
      assert.equal(decide({ method }), `${method} is not idempotent and may have reached the node`);
      assert.equal(decide({ method, sent: false, code: "connect_refused" }), "retry");
    });
  }

  for (
    const code of [
      "connect_refused",
      "connect_timeout",
      "connect_failed",
      "tls_failed",
      "send_timeout",
      "read_timeout",
      "reset",
      "bad_answer",
    ] satisfies ErrorCode[]
  ) {
    it(`tries another node after ${code}`, () => assert.equal(decide({ code }), "retry"));
  }

  for (const code of ["client_gone", "total_timeout", "unsupported"] satisfies ErrorCode[]) {
    it(`ends with ${code}, even where nothing was sent`, () => {
      assert.equal(decide({ code, sent: false }), `${code} ends the request`);
    });
  }

  it("does not send a body that is no longer at hand", () => {
    assert.equal(decide({ method: "PUT", replayable: false }), "the body cannot be sent again");
    assert.equal(decide({ method: "PUT", replayable: false, sent: false }), "the body cannot be sent again");
  });

  it("makes `retries` tries after the first", () => {
    assert.equal(decide({ tries: 2 }), "retry");
    assert.equal(decide({ tries: 3 }), "3 of 3 tries made");
    assert.equal(decide({ tries: 1 }, { retries: 0 }), "1 of 1 tries made");
  });

  it("begins no try after retry_timeout", () => {
    assert.equal(decide({ elapsed: 999 }, { timeout: 1000 }), "retry");
    assert.equal(decide({ elapsed: 1000 }, { timeout: 1000 }), "retry_timeout of 1000 ms is over");
    assert.equal(decide({ elapsed: 1e9 }, { timeout: 0 }), "retry");
  });

  it("asks the budget last", () => {
    assert.equal(decide({}, {}, false), "the retry budget is used up");
    const asked = () => assert.fail("the budget was asked");
    assert.equal(decideRetry({ ...base, method: "POST" }, limits, asked).retry, false);
    assert.equal(decideRetry({ ...base, tries: 3 }, limits, asked).retry, false);
    assert.equal(decideRetry({ ...base, replayable: false }, limits, asked).retry, false);
  });
});

describe("RetryBudget", () => {
  const withdrawals = (budget: RetryBudget, tries: number) =>
    Array.from({ length: tries }, () => budget.withdraw()).filter(Boolean).length;

  it("allows a fifth of the requests, after the ten that it starts with", () => {
    const budget = new RetryBudget(() => 0);
    assert.equal(withdrawals(budget, 100), 10);
    for (let i = 0; i < 1000; i++) budget.deposit();
    assert.ok(Math.abs(withdrawals(budget, 1000) - 200) <= 1);
  });

  it("allows ten per second without any traffic", () => {
    let now = 0;
    const budget = new RetryBudget(() => now);
    withdrawals(budget, 100);
    now = 2500;
    assert.equal(withdrawals(budget, 100), 25);
    assert.equal(withdrawals(budget, 100), 0);
  });

  it("saves up no more than its burst", () => {
    let now = 0;
    const budget = new RetryBudget(() => now, { burst: 50 });
    now = 1e9;
    for (let i = 0; i < 1e5; i++) budget.deposit();
    assert.equal(withdrawals(budget, 1000), 50);
  });

  it("keeps the load on an upstream that fails altogether to a fifth more", () => {
    let now = 0, sent = 0;
    const budget = new RetryBudget(() => now, { minPerSecond: 0 });
    for (let i = 0; i < 100_000; i++) {
      now += 1;
      budget.deposit();
      sent++;
      // Every try fails, and three more would be allowed.
      for (let retry = 0; retry < 3 && budget.withdraw(); retry++) sent++;
    }
    assert.ok(sent <= 120_001 && sent > 119_000, `${sent} tries for 100000 requests`);
  });

  it("follows settings of its own", () => {
    const budget = new RetryBudget(() => 0, { ratio: 1, minPerSecond: 0 });
    assert.equal(budget.withdraw(), false);
    budget.deposit();
    assert.equal(budget.withdraw(), true);
  });
});
