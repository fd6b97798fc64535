import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { rawConnect } from "../support/raw.ts";
import { refusal } from "../support/refusal.ts";
import { until } from "../support/until.ts";

describe("fault-injection", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const inject = (config: Record<string, unknown>) => gateway.route({ "fault-injection": config });
  const timed = async (target = "/") => {
    const start = performance.now();
    const { status } = await gateway.send(target);
    return { status, took: performance.now() - start };
  };

  it("abort: answers with http_status and body, and asks no upstream", async () => {
    await inject({ abort: { http_status: 405, body: "Fault Injection!\n" } });
    const before = gateway.origin.seen.length;
    const answer = await gateway.send();
    assert.equal(answer.status, 405);
    assert.equal(answer.text, "Fault Injection!\n");
    assert.equal(gateway.origin.seen.length, before);
  });

  it("abort without body; a status that has none", async () => {
    await inject({ abort: { http_status: 418 } });
    const answer = await gateway.send();
    assert.deepEqual([answer.status, answer.text], [418, ""]);
    await inject({ abort: { http_status: 204, body: "nothing" } });
    assert.equal((await gateway.send()).status, 204);
  });

  it("body and headers with variables; numbers", async () => {
    await inject({
      abort: {
        http_status: 200,
        body: "client addr: $remote_addr, ${arg_name ?? nobody}\n",
        headers: { "X-Addr": "${remote_addr}", "X-Number": 7, "X-Name": "<$arg_name>" },
      },
    });
    const answer = await gateway.send("/?name=jack");
    assert.equal(answer.text, "client addr: 127.0.0.1, jack\n");
    assert.deepEqual(["x-addr", "x-number", "x-name"].map(answer.header), ["127.0.0.1", "7", "<jack>"]);
    assert.equal((await gateway.send()).text, "client addr: 127.0.0.1, nobody\n");
  });

  it("what a client sends cannot end a field", async () => {
    await inject({ abort: { http_status: 200, headers: { "X-Name": "$arg_name" } } });
    const answer = await gateway.send("/?name=a%0d%0aX-Evil:%201%00%C3%BC");
    assert.equal(answer.header("x-name"), "aX-Evil: 1ü");
    assert.equal(answer.header("x-evil"), undefined);
    const far = await gateway.send("/?name=%E2%82%AC");
    assert.equal(far.header("x-name"), "\u00e2\u0082\u00ac", "a character that is no byte, in UTF-8");
  });

  it("delay: waits, then goes on", async () => {
    await inject({ delay: { duration: 0.2 } });
    const { status, took } = await timed();
    assert.equal(status, 200);
    assert.ok(took >= 195, `${took} ms`);
  });

  it("delay and abort together", async () => {
    await inject({ delay: { duration: 0.2 }, abort: { http_status: 503 } });
    const { status, took } = await timed();
    assert.equal(status, 503);
    assert.ok(took >= 195, `${took} ms`);
  });

  it("percentage", async () => {
    await inject({ delay: { duration: 60, percentage: 0 }, abort: { http_status: 503, percentage: 0 } });
    for (let i = 0; i < 20; i++) assert.equal((await gateway.send()).status, 200);
    await inject({ abort: { http_status: 503, percentage: 100 } });
    for (let i = 0; i < 20; i++) assert.equal((await gateway.send()).status, 503);
    await inject({ abort: { http_status: 503, percentage: 50 } });
    const answers = await Promise.all(Array.from({ length: 200 }, () => gateway.send()));
    const aborted = answers.filter(({ status }) => status === 503).length;
    // Less than once in 10^20 by chance.
    assert.ok(aborted > 30 && aborted < 170, `${aborted} of 200`);
  });

  it("vars: one expression must hold", async () => {
    await inject({
      abort: { http_status: 403, vars: [[["arg_name", "==", "jack"]], [["http_age", "!", "<", 18]]] },
      delay: { duration: 0.2, vars: [[["arg_slow", "==", "1"]]] },
    });
    assert.equal((await gateway.send("/?name=jack")).status, 403);
    assert.equal((await gateway.send("/", { headers: { age: "20" } })).status, 403);
    assert.equal((await gateway.send("/", { headers: { age: "7" } })).status, 200);
    assert.ok((await timed("/?slow=1")).took >= 195);
  });

  it("vars: an empty list never holds, as in APISIX", async () => {
    await inject({ abort: { http_status: 403, vars: [] } });
    assert.equal((await gateway.send()).status, 200);
  });

  it("runs before authentication, and answers stop there", async () => {
    await gateway.route({ "fault-injection": { abort: { http_status: 500 } }, "key-auth": {} });
    assert.equal((await gateway.send()).status, 500);
  });

  it("a request ends when its client goes while it waits", async () => {
    let ended = 0;
    const own = await startPluginGateway({ onAnswer: () => ended++ });
    await own.route({ "fault-injection": { delay: { duration: 1000 } } });
    const client = await rawConnect(own.port);
    await client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.destroy();
    await until(() => ended === 1, { what: "the request ended" });
    await own.close();
  });

  const wrong: readonly [unknown, RegExp][] = [
    [{}, /must have abort or delay, or both/],
    [{ abort: {} }, /^abort\.http_status: is required$/],
    [{ abort: { http_status: 100 } }, /^abort\.http_status: must be an integer from 200 to 599, is 100$/],
    [{ abort: { http_status: 200, body: 7 } }, /^abort\.body: must be a string, is 7$/],
    [{ abort: { http_status: 200, headers: {} } }, /^abort\.headers: must have at least 1 field$/],
    [{ abort: { http_status: 200, headers: { "a:b": "1" } } }, /^abort\.headers.*must be named as a header field/],
    [{ abort: { http_status: 200, headers: { "Content-Length": 1 } } }, /^abort\.headers.*does not frame the answer/],
    [{ abort: { http_status: 200, headers: { a: true } } }, /^abort\.headers\.a: must be a string, is true$/],
    [{ abort: { http_status: 200, percentage: 101 } }, /^abort\.percentage: must be an integer from 0 to 100, is 101$/],
    [
      { abort: { http_status: 200, vars: [["arg_a", "==", "1"]] } },
      /^abort\.vars\[0\]: must hold each comparison as a list/,
    ],
    [{ delay: {} }, /^delay\.duration: is required$/],
    [{ delay: { duration: "1" } }, /^delay\.duration: must be a number of at least 0, is "1"$/],
    [{ delay: { duration: -1 } }, /^delay\.duration: must be a number of at least 0, is -1$/],
    [{ delay: { duration: 1, vars: [[["arg_a", "~", "1"]]] } }, /^delay\.vars\[0\]\[0\].*"~"/],
  ];
  for (const [config, issue] of wrong) {
    it(`refuses a wrong configuration: ${JSON.stringify(config)}`, async () => {
      const { state, issues } = await refusal(gateway, "fault-injection", config);
      assert.equal(state, "rejected");
      assert.match(issues[0] ?? "", issue);
    });
  }
});
