import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type GatewayAnswer, type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { refusal } from "../support/refusal.ts";
import { until } from "../support/until.ts";

const HOUR = { time_window: 3600 };

describe("limit-count", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const limit = (config: Record<string, unknown>, others = {}) => gateway.route({ "limit-count": config }, others);
  const statuses = async (count: number, headers: Record<string, string> = {}, target = "/") => {
    const found: number[] = [];
    for (let i = 0; i < count; i++) found.push((await gateway.send(target, { headers })).status);
    return found;
  };
  const quota = (answer: GatewayAnswer, prefix = "X-RateLimit-") =>
    ["Limit", "Remaining", "Reset"].map((name) => answer.header(prefix + name));

  it("lets count requests through, tells the quota, and refuses with 503 and no body", async () => {
    await limit({ count: 2, ...HOUR });
    const answers = [await gateway.send(), await gateway.send(), await gateway.send()];
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 503]);
    assert.deepEqual(quota(answers[0]!), ["2", "1", "3600"]);
    assert.deepEqual(quota(answers[1]!).slice(0, 2), ["2", "0"]);
    assert.deepEqual(quota(answers[2]!).slice(0, 2), ["2", "0"]);
    const reset = Number(quota(answers[2]!)[2]);
    assert.ok(reset > 3590 && reset < 3600, `${reset}`);
    assert.equal(answers[2]!.text, "");
    assert.equal(gateway.origin.seen.length, 2);
  });

  it("lets exactly count of many parallel requests through", async () => {
    await limit({ count: 37, ...HOUR });
    const answers = await Promise.all(Array.from({ length: 100 }, () => gateway.send()));
    assert.equal(answers.filter(({ status }) => status === 200).length, 37);
    assert.equal(answers.filter(({ status }) => status === 503).length, 63);
  });

  it("rejected_code, rejected_msg", async () => {
    await limit({ count: 1, ...HOUR, rejected_code: 429, rejected_msg: 'slow "down"' });
    await gateway.send();
    const answer = await gateway.send();
    assert.equal(answer.status, 429);
    assert.equal(answer.text, '{"error_msg":"slow \\"down\\""}\n');
    assert.equal(answer.header("content-type"), "application/json");
    await limit({ count: 1, ...HOUR, rejected_code: 204, rejected_msg: "gone" });
    assert.deepEqual(await statuses(2), [204, 204], "counted on: only the answer changed");
  });

  it("counts begin anew where what is counted changes, and go on where only the answer does", async () => {
    await limit({ count: 2, ...HOUR });
    assert.deepEqual(await statuses(3), [200, 200, 503]);
    await limit({ count: 2, ...HOUR, rejected_code: 429, show_limit_quota_header: false });
    assert.deepEqual(await statuses(1), [429]);
    await limit({ count: 3, ...HOUR });
    assert.deepEqual(await statuses(4), [200, 200, 200, 503]);
  });

  it("key: a variable; the client's address where a request has none", async () => {
    await limit({ count: 1, ...HOUR, key: "http_x_user" });
    assert.deepEqual(await statuses(2, { "x-user": "jack" }), [200, 503]);
    assert.deepEqual(await statuses(2, { "x-user": "anna" }), [200, 503]);
    assert.deepEqual(await statuses(2), [200, 503]);
    await limit({ count: 1, ...HOUR, key: "" });
    assert.deepEqual(await statuses(2), [200, 503]);
  });

  it("key_type var_combination", async () => {
    await limit({ count: 1, ...HOUR, key_type: "var_combination", key: "$http_a $http_b" });
    assert.deepEqual(await statuses(2, { a: "1", b: "1" }), [200, 503]);
    assert.deepEqual(await statuses(2, { a: "1", b: "2" }), [200, 503]);
    assert.deepEqual(await statuses(2, { a: "1" }), [200, 503]);
    assert.deepEqual(await statuses(2), [200, 503], "the address");
    await limit({ count: 1, ...HOUR, key_type: "var_combination", key: "none" });
    assert.deepEqual(await statuses(2, { a: "1" }), [200, 503], "the address, as nothing is a variable");
  });

  it("key_type constant", async () => {
    await limit({ count: 2, ...HOUR, key_type: "constant", key: "$http_a" });
    assert.deepEqual(await statuses(1, { a: "1" }), [200]);
    assert.deepEqual(await statuses(2, { a: "2" }), [200, 503]);
  });

  it("count and time_window from variables", async () => {
    await limit({ count: "${http_x_count ?? 2}", time_window: "${http_x_window ?? 60}" });
    const first = await gateway.send();
    assert.deepEqual(quota(first), ["2", "1", "60"]);
    assert.deepEqual(quota(await gateway.send("/", { headers: { "x-count": "5" } })).slice(0, 2), ["5", "3"]);
    assert.deepEqual(await statuses(1), [503]);
    for (const bad of ["0", "-1", "1.5", "many", "9007199254740992", ""]) {
      assert.deepEqual(await statuses(1, { "x-count": bad }), [500], bad);
      assert.deepEqual(await statuses(1, { "x-window": bad }), [500], bad);
    }
  });

  it("allow_degradation lets requests pass that cannot be counted", async () => {
    await limit({ count: "$http_x_count", ...HOUR, allow_degradation: true });
    const answer = await gateway.send();
    assert.equal(answer.status, 200);
    assert.equal(quota(answer)[0], undefined);
    assert.deepEqual(await statuses(2, { "x-count": "1" }), [200, 503]);
  });

  it("show_limit_quota_header", async () => {
    await limit({ count: 1, ...HOUR, show_limit_quota_header: false });
    for (const answer of [await gateway.send(), await gateway.send()]) {
      assert.deepEqual(quota(answer), [undefined, undefined, undefined]);
    }
  });

  it("header names from the plugin's metadata, as it is now", async () => {
    const config = { "limit-count": { count: 9, ...HOUR } };
    await gateway.route(config, {
      "plugin_metadata/limit-count": { limit_header: "X-Quota", reset_header: "no name" },
    });
    const answer = await gateway.send();
    assert.equal(answer.header("x-quota"), "9");
    assert.equal(answer.header("x-ratelimit-remaining"), "8");
    assert.equal(answer.header("x-ratelimit-reset"), "3600");
    await gateway.put({ "plugin_metadata/limit-count": undefined });
    assert.equal((await gateway.send()).header("x-ratelimit-limit"), "9");
  });

  it("rules: each that applies, in turn; header_prefix", async () => {
    await limit({
      rules: [
        { count: 1, ...HOUR, key: "${http_user}" },
        { count: "${http_room ?? 2}", ...HOUR, key: "$http_project", header_prefix: "Project" },
      ],
    });
    const both = await gateway.send("/", { headers: { user: "jack", project: "apisix" } });
    assert.equal(both.status, 200);
    assert.deepEqual(quota(both, "X-1-RateLimit-"), ["1", "0", "3600"]);
    assert.deepEqual(quota(both, "X-Project-RateLimit-"), ["2", "1", "3600"]);
    assert.deepEqual(await statuses(1, { user: "jack", project: "apisix" }), [503]);
    const project = await gateway.send("/", { headers: { project: "apisix" } });
    assert.deepEqual(
      quota(project, "X-Project-RateLimit-").slice(0, 2),
      ["2", "0"],
      "the refused one did not get there",
    );
    assert.deepEqual(await statuses(1, { project: "apisix" }), [503]);
    assert.deepEqual(await statuses(1, { user: "anna" }), [200]);
    assert.deepEqual(await statuses(1, { project: "other", room: "none" }), [500]);
    assert.deepEqual(await statuses(1), [500], "no rule applies");
  });

  it("rules count apart though their keys come to the same text", async () => {
    await limit({
      rules: [{ count: 2, ...HOUR, key: "$http_a" }, { count: 2, ...HOUR, key: "$http_b" }],
    });
    assert.deepEqual(await statuses(3, { a: "same", b: "same" }), [200, 200, 503]);
  });

  it("group: resources share a counter", async () => {
    const { upstream } = gateway;
    const plugins = { "limit-count": { count: 2, ...HOUR, group: "both" } };
    await gateway.route(plugins, {
      "routes/2": { uri: "/two", upstream, plugins },
      "routes/3": { uri: "/three", upstream, plugins: { "limit-count": { count: 2, ...HOUR, group: "other" } } },
      "services/1": { upstream, plugins },
      "routes/4": { uri: "/four", service_id: "1" },
    });
    assert.deepEqual(await statuses(1, {}, "/one"), [200]);
    assert.deepEqual(await statuses(1, {}, "/four"), [200]);
    assert.deepEqual(await statuses(1, {}, "/two"), [503]);
    assert.deepEqual(await statuses(1, {}, "/three"), [200]);
    // The group lives as long as one of its resources.
    await gateway.put({ "routes/1": undefined, "services/1": undefined, "routes/4": undefined });
    assert.deepEqual(await statuses(1, {}, "/two"), [503]);
    await gateway.put({ "routes/2": undefined });
    await gateway.put({ "routes/2": { uri: "/two", upstream, plugins } });
    assert.deepEqual(await statuses(3, {}, "/two"), [200, 200, 503]);
  });

  it("routes of one service share its counter; a route's own goes before it", async () => {
    const { upstream } = gateway;
    await gateway.route({ "limit-count": { count: 1, ...HOUR } }, {
      "services/1": { upstream, plugins: { "limit-count": { count: 2, ...HOUR } } },
      "routes/2": { uri: "/two", service_id: "1" },
      "routes/3": { uri: "/three", service_id: "1" },
    });
    assert.deepEqual([...await statuses(1, {}, "/two"), ...await statuses(2, {}, "/three")], [200, 200, 503]);
    assert.deepEqual(await statuses(2), [200, 503]);
  });

  it("a consumer's counter survives a change that does not concern it", async () => {
    const consumer = (count: number, desc: string) => ({
      username: "jack",
      desc,
      plugins: { "key-auth": { key: "jacks" }, "limit-count": { count, ...HOUR } },
    });
    await gateway.route({ "key-auth": {} }, { "consumers/jack": consumer(2, "one") });
    const jack = { apikey: "jacks" };
    assert.deepEqual(await statuses(2, jack), [200, 200]);
    await gateway.put({ "consumers/jack": consumer(2, "two") });
    assert.deepEqual(await statuses(1, jack), [503]);
    await gateway.put({ "consumers/jack/credentials/c": { plugins: { "key-auth": { key: "more" } } } });
    assert.deepEqual(await statuses(1, { apikey: "more" }), [503]);
    await gateway.put({ "consumers/jack": consumer(3, "two") });
    assert.deepEqual(await statuses(4, jack), [200, 200, 200, 503]);
    await gateway.put({ "consumers/jack": undefined, "consumers/jack/credentials/c": undefined });
    assert.deepEqual(await statuses(1, jack), [401]);
    await gateway.put({ "consumers/jack": consumer(3, "two") });
    assert.deepEqual(await statuses(1, jack), [200]);
  });

  it("counters survive changes that do not concern them, and are released with their route", async () => {
    const { upstream } = gateway;
    const plugins = { "limit-count": { count: 1, ...HOUR } };
    await gateway.route(plugins);
    assert.deepEqual(await statuses(2), [200, 503]);
    await gateway.put({ "routes/2": { uri: "/two", upstream, plugins } });
    await gateway.put({ "routes/1": { uri: "/*", name: "named", upstream, plugins: { ...plugins, cors: {} } } });
    assert.deepEqual(await statuses(1), [503]);
    assert.deepEqual(await statuses(1, {}, "/two"), [200]);
    await gateway.put({ "routes/1": undefined });
    await gateway.put({ "routes/1": { uri: "/*", upstream, plugins } });
    assert.deepEqual(await statuses(1), [200]);
  });

  it("a global rule counts what no route takes, too", async () => {
    await gateway.put({
      "routes/1": undefined,
      "global_rules/1": { plugins: { "limit-count": { count: 1, ...HOUR } } },
    });
    assert.deepEqual(await statuses(2, {}, "/nowhere"), [404, 503]);
    await gateway.put({ "global_rules/1": undefined });
  });

  for (const window_type of ["fixed", "sliding"]) {
    it(`window_type ${window_type}: there is room again after time_window`, async () => {
      await limit({ count: 3, time_window: 1, window_type });
      const first = await gateway.send();
      assert.deepEqual(quota(first).slice(0, 2), ["3", "2"]);
      const over = await until(async () => {
        const answer = await gateway.send();
        return answer.status === 503 && answer;
      }, { what: "the window is full" });
      const reset = Number(quota(over)[2]);
      assert.ok(reset >= 0 && reset <= 1, `${reset}`);
      await until(async () => (await gateway.send()).status === 200, { what: "there is room again", limit: 4000 });
    });
  }

  const one = { count: 1, time_window: 1 };
  const wrong: readonly [string, Record<string, unknown>, readonly string[]][] = [
    ["neither count nor rules", {}, ["count: is required, unless there are rules"]],
    ["no time_window", { count: 1 }, ["time_window: is required, unless there are rules"]],
    ["count 0", { count: 0, time_window: 1 }, ["count: must be an integer of at least 1, is 0"]],
    ["count 1.5", { count: 1.5, time_window: 1 }, ["count: must be an integer of at least 1, is 1.5"]],
    ["time_window 0", { count: 1, time_window: 0 }, ["time_window: must be an integer of at least 1, is 0"]],
    ["count and rules", { ...one, rules: [{ ...one, key: "$uri" }] }, [
      "rules: must not be there beside count and time_window",
    ]],
    ["no rule", { rules: [] }, ["rules: must have at least 1 rule, is an empty array"]],
    ["a rule without key", { rules: [one] }, ["rules[0].key: is required"]],
    ["a rule's count", { rules: [{ count: -1, time_window: 1, key: "$uri" }] }, [
      "rules[0].count: must be an integer of at least 1, is -1",
    ]],
    ["a rule's prefix", { rules: [{ ...one, key: "$uri", header_prefix: "a b" }] }, [
      'rules[0].header_prefix: must be 1 to 64 characters that a header field\'s name may hold, is "a b"',
    ]],
    ["a key twice", { rules: [{ ...one, key: "$uri" }, { ...one, key: "$uri" }] }, [
      "rules: must not have a key twice",
    ]],
    ["group and rules", { group: "g", rules: [{ ...one, key: "$uri" }] }, ["group: must not be there beside rules"]],
    ["window_type", { ...one, window_type: "tumbling" }, [
      'window_type: must be one of fixed, sliding, is "tumbling"',
    ]],
    ["key_type", { ...one, key_type: "header" }, [
      "key_type: must be one of var, var_combination, constant, is a string",
    ]],
    ["rejected_code", { ...one, rejected_code: 199 }, ["rejected_code: must be an integer from 200 to 599, is 199"]],
    ["rejected_msg", { ...one, rejected_msg: "" }, [
      'rejected_msg: must be a string of 1 to 65536 characters, is ""',
    ]],
    ["allow_degradation", { ...one, allow_degradation: "yes" }, [
      'allow_degradation: must be true or false, is "yes"',
    ]],
    ["show_limit_quota_header", { ...one, show_limit_quota_header: 1 }, [
      "show_limit_quota_header: must be true or false, is 1",
    ]],
    ["policy", { ...one, policy: "memcached" }, ['policy: must be one of local, redis, is "memcached"']],
  ];
  for (const [what, config, issues] of wrong) {
    it(`refuses a wrong configuration: ${what}`, async () => {
      assert.deepEqual(await refusal(gateway, "limit-count", config), { state: "rejected", issues });
    });
  }

  for (const policy of ["redis-cluster", "redis-sentinel"]) {
    it(`says that it does not support ${policy}`, async () => {
      assert.deepEqual(await refusal(gateway, "limit-count", { ...one, policy }), {
        state: "unsupported",
        issues: [`policy: is ${policy}, which this gateway does not support: use redis or local`],
      });
    });
  }

  it("says that it cannot reach Redis where the gateway was not given what connects to it", async () => {
    const config = { ...one, policy: "redis", redis_host: "127.0.0.1" };
    assert.deepEqual(await refusal(gateway, "limit-count", config), {
      state: "unsupported",
      issues: ["policy: is redis, and this gateway was not given what connects to Redis"],
    });
  });
});
