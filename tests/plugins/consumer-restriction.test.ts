import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

const CONSUMERS = {
  "consumers/jack": { username: "jack", group_id: "staff", plugins: { "key-auth": { key: "jack-key" } } },
  "consumers/ann": { username: "ann", plugins: { "key-auth": { key: "ann-key" } } },
  "consumer_groups/staff": { plugins: {} },
  "services/s": {},
};

interface Case {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Without a key nobody is authenticated. */
  readonly key?: string;
  readonly method?: string;
  /** Default: the request passes. */
  readonly refused?: { readonly status: number; readonly message: string };
}

const refused = (type: string, status = 403) => ({ status, message: `The ${type} is forbidden.` });
const unknown = (type: string) => ({
  status: 401,
  message: `The request is rejected, please check the ${type} for this request`,
});

const CASES: readonly Case[] = [
  { name: "on the whitelist", config: { whitelist: ["ann", "jack"] }, key: "jack-key" },
  { name: "not on the whitelist", config: { whitelist: ["ann"] }, key: "jack-key", refused: refused("consumer_name") },
  { name: "on the blacklist", config: { blacklist: ["jack"] }, key: "jack-key", refused: refused("consumer_name") },
  { name: "not on the blacklist", config: { blacklist: ["jack"] }, key: "ann-key" },
  {
    name: "on both lists",
    config: { blacklist: ["jack"], whitelist: ["jack"] },
    key: "jack-key",
    refused: refused("consumer_name"),
  },
  { name: "nobody", config: { blacklist: ["jack"] }, refused: unknown("consumer_name") },
  { name: "in a group on the whitelist", config: { type: "consumer_group_id", whitelist: ["staff"] }, key: "jack-key" },
  {
    name: "in a group on the blacklist",
    config: { type: "consumer_group_id", blacklist: ["staff"] },
    key: "jack-key",
    refused: refused("consumer_group_id"),
  },
  {
    name: "in no group",
    config: { type: "consumer_group_id", blacklist: ["staff"] },
    key: "ann-key",
    refused: unknown("consumer_group_id"),
  },
  { name: "on a route that is listed", config: { type: "route_id", whitelist: ["1"] } },
  {
    name: "on a route that is not listed",
    config: { type: "route_id", whitelist: ["2"] },
    refused: refused("route_id"),
  },
  { name: "on a service that is listed", config: { type: "service_id", whitelist: ["s"] } },
  {
    name: "on a service that is refused",
    config: { type: "service_id", blacklist: ["s"] },
    refused: refused("service_id"),
  },
  {
    name: "by another method than its own",
    config: { allowed_by_methods: [{ user: "jack", methods: ["GET"] }] },
    key: "jack-key",
    method: "POST",
    refused: refused("consumer_name"),
  },
  {
    name: "by one of its methods",
    config: { allowed_by_methods: [{ user: "jack", methods: ["GET", "POST"] }] },
    key: "jack-key",
    method: "POST",
  },
  {
    name: "by any method without methods of its own",
    config: { allowed_by_methods: [{ user: "jack", methods: ["GET"] }] },
    key: "ann-key",
    method: "POST",
  },
  {
    name: "by the first of two entries",
    config: { allowed_by_methods: [{ user: "jack", methods: ["GET"] }, { user: "jack", methods: ["POST"] }] },
    key: "jack-key",
    method: "POST",
    refused: refused("consumer_name"),
  },
  {
    name: "by any method on the whitelist",
    config: { whitelist: ["jack"], allowed_by_methods: [{ user: "jack", methods: ["GET"] }] },
    key: "jack-key",
    method: "POST",
  },
  {
    name: "beside the whitelist, though its method is allowed",
    config: { whitelist: ["ann"], allowed_by_methods: [{ user: "jack", methods: ["POST"] }] },
    key: "jack-key",
    method: "POST",
    refused: refused("consumer_name"),
  },
  {
    name: "with a code and a message of one's own",
    config: { blacklist: ["jack"], rejected_code: 429, rejected_msg: "Not you" },
    key: "jack-key",
    refused: { status: 429, message: "Not you" },
  },
];

describe("consumer-restriction", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  for (const { name, config, key, method = "GET", refused } of CASES) {
    it(`${refused === undefined ? "lets pass" : "refuses"} who comes ${name}`, async () => {
      const plugins = { "consumer-restriction": config, ...(key === undefined ? {} : { "key-auth": {} }) };
      await gateway.route({}, {
        ...CONSUMERS,
        "routes/1": { uri: "/*", upstream: gateway.upstream, service_id: "s", plugins },
      });
      const answer = await gateway.send("/", { method, ...(key === undefined ? {} : { headers: { apikey: key } }) });
      assert.equal(answer.status, refused?.status ?? 200);
      if (refused !== undefined) assert.deepEqual(answer.json(), { message: refused.message });
    });
  }

  it("is the consumer's own, where the consumer has one", async () => {
    await gateway.route({ "key-auth": {} }, {
      ...CONSUMERS,
      "consumers/ann": {
        username: "ann",
        plugins: { "key-auth": { key: "ann-key" }, "consumer-restriction": { type: "route_id", whitelist: ["2"] } },
      },
    });
    assert.equal((await gateway.send("/", { headers: { apikey: "ann-key" } })).status, 403);
    assert.equal((await gateway.send("/", { headers: { apikey: "jack-key" } })).status, 200);
  });

  it("refuses with a status that has no body", async () => {
    await gateway.route({ "consumer-restriction": { type: "route_id", blacklist: ["1"], rejected_code: 204 } });
    const answer = await gateway.send("/");
    assert.equal(answer.status, 204);
    assert.equal(answer.text, "");
  });

  itRejects(() => gateway, "consumer-restriction", "route", [
    { config: {}, issues: [": must have at least one of blacklist, whitelist and allowed_by_methods"] },
    { config: { whitelist: [] }, issues: ["whitelist: must have at least 1 item, is an empty array"] },
    { config: { whitelist: {} }, issues: ["whitelist: must have at least 1 item, is an empty array"] },
    { config: { blacklist: [1] }, issues: ["blacklist[0]: must be a string, is 1"] },
    {
      config: { type: "user", whitelist: ["a"] },
      issues: ['type: must be one of consumer_name, service_id, route_id, consumer_group_id, is "user"'],
    },
    {
      config: { whitelist: ["a"], rejected_code: 199 },
      issues: ["rejected_code: must be an integer from 200 to 599, is 199"],
    },
    {
      config: { allowed_by_methods: [{ user: "a", methods: ["get"] }] },
      issues: [
        'allowed_by_methods[0].methods[0]: must be one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, CONNECT, TRACE, PURGE, is "get"',
      ],
    },
    { config: { allowed_by_methods: [{ user: "a" }] }, issues: ["allowed_by_methods[0].methods: is required"] },
  ]);
});
