import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { getLogger } from "@logtape/logtape";
import { configureLogging, type LoggingOptions, resetLogging } from "../../../src/observe/logging.ts";
import { redactTarget } from "../../../src/observe/redact.ts";

afterEach(() => resetLogging());

/** What is written while `act` runs. */
function capture(options: Partial<LoggingOptions>, act: () => void): { log: string[]; access: string[] } {
  const log: string[] = [], access: string[] = [];
  configureLogging({
    level: "info",
    format: "json",
    coloured: false,
    write: (line) => log.push(line),
    writeAccess: (line) => access.push(line),
    ...options,
  });
  act();
  return { log, access };
}

const logger = getLogger(["gatewatch", "part"]);

describe("the log as JSON", () => {
  it("holds one object a line with time, level, category, message and fields", () => {
    const { log } = capture(
      {},
      () => logger.info("Got {count} of {what}", { count: 2, what: "routes", extra: { a: [1] } }),
    );
    assert.equal(log.length, 1);
    assert.ok(log[0]!.endsWith("}\n"));
    const { time, ...rest } = JSON.parse(log[0]!);
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(rest, {
      level: "info",
      category: "gatewatch.part",
      message: "Got 2 of routes",
      count: 2,
      what: "routes",
      extra: { a: [1] },
    });
  });

  it("lets no field replace what every line has", () => {
    const { log } = capture({}, () => logger.info("a", { level: "x", message: "y", time: 1 }));
    const line = JSON.parse(log[0]!);
    assert.equal(line.level, "info");
    assert.equal(line.message, "a");
    assert.equal(line.level_, "x");
  });

  it("tells an error with its causes and code, and where it was thrown only where that matters", () => {
    const error = Object.assign(new Error("no connection", { cause: new Error("refused") }), { code: "ECONN" });
    const { log } = capture({}, () => {
      logger.warn("a", { error });
      logger.error("Failed: {error}", { error });
    });
    assert.deepEqual(JSON.parse(log[0]!).error, { name: "Error", message: "no connection: refused", code: "ECONN" });
    assert.match(JSON.parse(log[1]!).error.stack, /logging\.test/);
    assert.equal(JSON.parse(log[1]!).message, "Failed: no connection: refused");
  });

  it("bears cycles, depths, bytes, huge texts and what JSON does not know", () => {
    const cycle: Record<string, unknown> = {
      big: 10n,
      bytes: new Uint8Array(3),
      run: () => 1,
      text: "x".repeat(100_000),
    };
    cycle.self = cycle;
    const { log } = capture({}, () => logger.info("a", { cycle }));
    assert.ok(log[0]!.length < 50_000);
    const line = JSON.parse(log[0]!);
    assert.equal(line.cycle.big, "10");
    assert.equal(line.cycle.bytes, "[3 bytes]");
  });
});

describe("the log as text", () => {
  it("holds time, level, category, message, and the fields that the message lacks", () => {
    const { log } = capture(
      { format: "text" },
      () => logger.warn("Got {count}", { count: 2, what: "two words", id: "a/1" }),
    );
    assert.match(log[0]!, /^\d{4}-\S+Z WARN {2}part {5}Got 2 what="two words" id=a\/1\n$/);
  });

  it("escapes what would move the cursor or begin a line", () => {
    const { log } = capture({ format: "text" }, () => logger.info("{path}", { path: "\x1b[2Ja\nfake" }));
    assert.ok(log[0]!.endsWith("\\u001b[2Ja\\u000afake\n"), log[0]);
  });

  it("is coloured where that is asked for", () => {
    const { log } = capture({ format: "text", coloured: true }, () => logger.error("a"));
    assert.ok(log[0]!.includes("\x1b[31mERROR\x1b[0m"));
  });
});

describe("levels", () => {
  it("leave out what is less important", () => {
    const { log } = capture({ level: "warning" }, () => {
      logger.info("a");
      logger.warn("b");
    });
    assert.equal(log.length, 1);
  });

  it("do not touch the access log, which goes to a place of its own", () => {
    const { log, access } = capture({ level: "error" }, () => getLogger(["gatewatch", "access"]).info("a"));
    assert.equal(log.length, 0);
    assert.equal(access.length, 1);
  });
});

describe("secrets", () => {
  for (const format of ["json", "text"] as const) {
    it(`are taken out of fields, URLs and keys as ${format}`, () => {
      const secret = "S3cr3t";
      const pem = `-----BEGIN EC PRIVATE KEY-----\n${secret}\n-----END EC PRIVATE KEY-----`;
      const { log } = capture({ format }, () => {
        logger.error("a {password}", { password: secret, headers: { Authorization: secret, "x-api-key": secret } });
        logger.error("http://user:S3cr3t@host/", { url: `http://u:${secret}@h/`, note: `x ${pem} y` });
        logger.error("b", { error: new Error(`at https://u:${secret}@h failed`) });
      });
      assert.equal(log.length, 3);
      for (const line of log) {
        assert.ok(!line.includes(secret), line);
        assert.ok(line.includes("[redacted]"), line);
      }
    });

    it(`that the process was given are never written as ${format}`, () => {
      const secret = 'p"w\\d';
      const { log } = capture({ format, secrets: [secret] }, () => {
        logger.info("login as root with {word} refused", { word: secret });
        logger.info("a", { note: `with ${secret}` });
      });
      for (const line of log) {
        assert.ok(!line.includes('p"w') && !line.includes('p\\"w') && line.includes("[redacted]"), line);
      }
    });
  }

  it("leave the keys of the store readable", () => {
    const { log } = capture({}, () => logger.info("a", { key: "routes/1" }));
    assert.equal(JSON.parse(log[0]!).key, "routes/1");
  });

  it("are taken out of a target's query", () => {
    assert.equal(
      redactTarget("/a?apikey=k&page=2&access_token=t&x"),
      "/a?apikey=[redacted]&page=2&access_token=[redacted]&x",
    );
    assert.equal(redactTarget("/a?api%6Bey=k&%zz=1"), "/a?api%6Bey=[redacted]&%zz=1");
    assert.equal(redactTarget("/token=1"), "/token=1");
  });
});
